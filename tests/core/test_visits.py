"""What is counted of a reservation, and how long before it was booked."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from shared.core.system import ReservationSystem
from shared.core.visits import BookingOutcome, LeadTimeBucket, booking_facts, classify_lead_time
from tests.strategies.json_values import json_values
from tests.strategies.visits import ZONE

SEVEN = datetime(2026, 3, 14, 23, tzinfo=UTC)  # 19:00 in New York


def document(**fields: Any) -> dict[str, Any]:
    return {
        "source": {"system": "OPENTABLE"},
        "localDate": "2026-03-14",
        "startAt": "2026-03-14T23:00:00Z",
        "startAtTimestamp": SEVEN,
        "partySize": 4,
        "status": "CONFIRMED",
        "bookedAt": SEVEN - timedelta(days=3),
        "metadata": {"origin": "Web"},
        **fields,
    }


def booking_facts_of(**fields: Any) -> Any:
    visit = booking_facts(document(**fields), ZONE)
    assert visit is not None
    return visit


def test_a_visit_uses_restaurant_local_time() -> None:
    assert (booking_facts_of().local_date, booking_facts_of().hour) == ("2026-03-14", 19)


def test_a_document_without_a_date_is_not_counted() -> None:
    assert booking_facts(document(localDate=None), ZONE) is None


def test_the_text_time_is_used_without_a_timestamp() -> None:
    assert booking_facts_of(startAtTimestamp=None).hour == 19


@pytest.mark.parametrize("text", [None, "tonight"])
def test_an_invalid_time_is_unknown(text: str | None) -> None:
    visit = booking_facts_of(startAtTimestamp=None, startAt=text)
    assert (visit.hour, visit.lead_time) == (None, LeadTimeBucket.UNKNOWN)


@pytest.mark.parametrize("source", [{"system": "LINEUP"}, {}, None, "LINEUP"])
def test_any_source_other_than_opentable_counts_as_native(source: object) -> None:
    assert booking_facts_of(source=source).system is ReservationSystem.LINEUP


@pytest.mark.parametrize("size", [None, True, 0, -1, "4", 2.0])
def test_an_invalid_party_size_is_unknown(size: object) -> None:
    assert booking_facts_of(partySize=size).party_size is None


@pytest.mark.parametrize(
    "status, outcome",
    [
        ("BOOKED", BookingOutcome.ATTENDING),
        ("COMPLETED", BookingOutcome.ATTENDING),
        ("CANCELLED", BookingOutcome.CANCELLED),
        ("NO_SHOW", BookingOutcome.NO_SHOW),
        ({}, BookingOutcome.ATTENDING),
    ],
)
def test_only_cancelled_and_no_show_visits_are_not_attended(
    status: object, outcome: BookingOutcome
) -> None:
    assert booking_facts_of(status=status).outcome is outcome


@pytest.mark.parametrize("origin", ["Walk-in", "walk in", "WALKIN"])
def test_a_walk_in_was_not_booked(origin: str) -> None:
    assert booking_facts_of(metadata={"origin": origin}).lead_time is None


def test_a_native_reservation_was_booked_at_document_creation() -> None:
    made = SEVEN - timedelta(days=1)
    own = booking_facts_of(source={"system": "LINEUP"}, bookedAt=None, createdAt=made)
    assert own.lead_time is LeadTimeBucket.DAY_BEFORE


def test_an_opentable_reservation_was_not_booked_at_document_creation() -> None:
    assert (
        booking_facts_of(bookedAt=None, createdAt=SEVEN - timedelta(days=1)).lead_time
        is LeadTimeBucket.UNKNOWN
    )


@pytest.mark.parametrize(
    "before, lead",
    [
        (timedelta(hours=-1), LeadTimeBucket.UNDER_2_HOURS),
        (timedelta(hours=1, minutes=59), LeadTimeBucket.UNDER_2_HOURS),
        (timedelta(hours=2), LeadTimeBucket.SAME_DAY),
        (timedelta(hours=18, minutes=59), LeadTimeBucket.SAME_DAY),
        (timedelta(hours=19, minutes=1), LeadTimeBucket.DAY_BEFORE),
        (timedelta(days=3), LeadTimeBucket.DAYS_2_TO_3),
        (timedelta(days=4), LeadTimeBucket.DAYS_4_TO_7),
        (timedelta(days=8), LeadTimeBucket.DAYS_8_TO_14),
        (timedelta(days=28), LeadTimeBucket.DAYS_15_TO_28),
        (timedelta(days=29), LeadTimeBucket.OVER_28_DAYS),
    ],
)
def test_days_are_counted_by_the_calendar_and_the_last_hours_by_the_clock(
    before: timedelta, lead: LeadTimeBucket
) -> None:
    assert classify_lead_time(SEVEN - before, SEVEN, ZoneInfo("America/New_York")) is lead


@given(json_values)
def test_any_document_is_counted_or_skipped(value: Any) -> None:
    odd = dict.fromkeys(document(), value) | {"localDate": "2026-03-14"}
    booking_facts(odd, ZONE)
