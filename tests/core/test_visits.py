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


def seen(**fields: Any) -> Any:
    visit = booking_facts(document(**fields), ZONE)
    assert visit is not None
    return visit


def test_a_visit_is_on_the_restaurants_wall_clock() -> None:
    assert (seen().day, seen().hour) == ("2026-03-14", 19)


def test_one_without_a_day_is_not_counted() -> None:
    assert booking_facts(document(localDate=None), ZONE) is None


def test_the_text_tells_the_time_where_no_timestamp_does() -> None:
    assert seen(startAtTimestamp=None).hour == 19


@pytest.mark.parametrize("text", [None, "tonight"])
def test_a_time_that_cannot_be_read_is_not_known(text: str | None) -> None:
    visit = seen(startAtTimestamp=None, startAt=text)
    assert (visit.hour, visit.lead) == (None, LeadTimeBucket.UNKNOWN)


@pytest.mark.parametrize("source", [{"system": "LINEUP"}, {}, None, "LINEUP"])
def test_what_is_not_open_tables_is_the_houses_own(source: object) -> None:
    assert seen(source=source).system is ReservationSystem.LINEUP


@pytest.mark.parametrize("size", [None, True, 0, -1, "4", 2.0])
def test_a_size_that_is_none_is_not_known(size: object) -> None:
    assert seen(partySize=size).party is None


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
def test_only_a_cancelled_or_missed_visit_does_not_come(
    status: object, outcome: BookingOutcome
) -> None:
    assert seen(status=status).outcome is outcome


@pytest.mark.parametrize("origin", ["Walk-in", "walk in", "WALKIN"])
def test_a_walk_in_was_not_booked(origin: str) -> None:
    assert seen(metadata={"origin": origin}).lead is None


def test_our_own_was_booked_when_its_document_was_made() -> None:
    made = SEVEN - timedelta(days=1)
    own = seen(source={"system": "LINEUP"}, bookedAt=None, createdAt=made)
    assert own.lead is LeadTimeBucket.DAY_BEFORE


def test_open_tables_was_not_booked_when_we_heard_of_it() -> None:
    assert seen(bookedAt=None, createdAt=SEVEN - timedelta(days=1)).lead is LeadTimeBucket.UNKNOWN


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
def test_a_document_of_any_form_is_counted_or_passed_over(value: Any) -> None:
    odd = dict.fromkeys(document(), value) | {"localDate": "2026-03-14"}
    booking_facts(odd, ZONE)
