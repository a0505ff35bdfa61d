"""What is counted of a reservation, and how long before it was booked.

Patterns: counted in any order to the same, and each visit once.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analytics.rollup import (
    BookingOutcome,
    LeadTimeBucket,
    RollupBuilder,
    RollupCounts,
    booking_facts,
    classify_lead_time,
    counts_from_map,
    sum_counts,
)
from shared.domain.normalization.identifiers import ReservationSystem
from tests.strategies.analytics import DAYS, ZONE, reservation_documents
from tests.strategies.json_values import json_values

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


ledgers = st.lists(reservation_documents(), max_size=12)


def roll_up(*items: dict[str, Any]) -> dict[str, Any]:
    tally = RollupBuilder(DAYS, ZONE)
    for each in items:
        tally.add_document(each)
    return tally.build_rollups()


def roll_up_one(**fields: Any) -> dict[str, Any]:
    tally = RollupBuilder(["2026-03-14"], ZONE)
    tally.add_document(document(**fields))
    counted: dict[str, Any] = tally.build_rollups()["2026-03-14"]["OPENTABLE"]
    return counted


def sum_all(up: dict[str, Any]) -> RollupCounts:
    return sum_counts(
        counts_from_map(counts) for sources in up.values() for counts in sources.values()
    )


@given(ledgers, st.randoms(use_true_random=False))
def test_a_roll_up_is_the_same_in_any_order(held: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(held)
    random.shuffle(shuffled)
    assert roll_up(*held) == roll_up(*shuffled)


@given(ledgers, st.integers(0, 12))
def test_roll_ups_of_parts_add_up_to_that_of_the_whole(
    held: list[dict[str, Any]], cut: int
) -> None:
    parts = sum_counts([sum_all(roll_up(*held[:cut])), sum_all(roll_up(*held[cut:]))])
    assert parts == sum_all(roll_up(*held))


@given(ledgers)
def test_sums_over_days_equal_a_direct_count(
    held: list[dict[str, Any]],
) -> None:
    sums = sum_all(roll_up(*held))
    visits = [
        visit for each in held if (visit := booking_facts(each, ZONE)) and visit.local_date in DAYS
    ]
    coming = [visit for visit in visits if visit.outcome is BookingOutcome.ATTENDING]
    booked = [visit for visit in visits if visit.lead_time is not None]
    assert sums["bookings"] == len(booked)
    assert sums["walkIns"] == sum(visit.lead_time is None for visit in coming)
    assert sums["cancelled"] == sum(visit.outcome is BookingOutcome.CANCELLED for visit in booked)
    assert sums["noShows"] == sum(visit.outcome is BookingOutcome.NO_SHOW for visit in booked)
    assert sums["covers"] == sum(visit.party_size or 0 for visit in coming)


@given(ledgers)
def test_each_breakdown_adds_up_to_its_total(held: list[dict[str, Any]]) -> None:
    sums = sum_all(roll_up(*held))
    splits: Counter[str] = Counter()
    for path, number in sums.items():
        splits[path.partition(".")[0]] += number if "." in path else 0
    assert splits["bookingsByHour"] == splits["bookingsByLead"] == sums["bookings"]
    assert splits["coversByHour"] == sums["covers"]
    parties = sums["bookings"] - sums["cancelled"] - sums["noShows"] + sums["walkIns"]
    assert splits["partiesBySize"] == parties


@given(ledgers)
def test_stored_counts_are_read_back_unchanged(held: list[dict[str, Any]]) -> None:
    for sources in roll_up(*held).values():
        assert sources.keys() == {system.value for system in ReservationSystem}
        for counts in sources.values():
            assert 0 not in counts_from_map(counts).values()


def test_a_booking_is_counted_by_hour_lead_and_size() -> None:
    assert roll_up_one() == {
        "bookings": 1,
        "bookingsByHour": {"19": 1},
        "bookingsByLead": {"DAYS_2_TO_3": 1},
        "covers": 4,
        "coversByHour": {"19": 4},
        "partiesBySize": {"04": 1},
    }


@pytest.mark.parametrize(
    "status, names",
    [("CANCELLED", "cancelled"), ("NO_SHOW", "noShow")],
    ids=["cancelled", "missed"],
)
def test_a_no_show_counts_as_booking_without_covers(status: str, names: str) -> None:
    counted = roll_up_one(status=status)
    assert (counted["bookings"], counted[f"{names}Covers"]) == (1, 4)
    assert not counted.keys() & {"covers", "coversByHour", "partiesBySize"}


def test_a_walk_in_counts_covers_and_no_booking() -> None:
    counted = roll_up_one(metadata={"origin": "Walk-in"})
    assert (counted["walkIns"], counted["covers"]) == (1, 4)
    assert "bookings" not in counted


def test_an_unknown_party_size_adds_no_covers_and_no_zero() -> None:
    counted = roll_up_one(partySize=None)
    assert counted["partiesBySize"] == {"UNKNOWN": 1}
    assert not counted.keys() & {"covers", "coversByHour"}


def test_a_visit_on_an_unrequested_day_is_not_counted() -> None:
    assert roll_up_one(localDate="2026-03-15") == {}


def test_the_sums_of_stored_days_are_by_path() -> None:
    day = counts_from_map(roll_up_one())
    assert sum_counts([day, day])["coversByHour.19"] == 8


def test_a_cancelled_walk_in_is_not_counted() -> None:
    assert roll_up_one(metadata={"origin": "Walk-in"}, status="CANCELLED") == {}


def test_the_largest_parties_are_counted_together() -> None:
    assert roll_up_one(partySize=31)["partiesBySize"] == {"20": 1}


def test_a_day_without_visits_is_empty() -> None:
    assert roll_up() == {day: {"OPENTABLE": {}, "LINEUP": {}} for day in DAYS}


@given(ledgers, reservation_documents())
def test_adding_and_removing_a_visit_restores_the_rollup(
    held: list[dict[str, Any]], other: dict[str, Any]
) -> None:
    tally = RollupBuilder(DAYS, ZONE)
    counted = tally.add_document(other)
    for each in held:
        tally.add_document(each)
    tally.remove_booking(counted)
    assert tally.build_rollups() == roll_up(*held)


def test_removing_a_visit_leaves_no_zero() -> None:
    tally = RollupBuilder(["2026-03-14"], ZONE)
    kept, gone = document(), document(partySize=2, status="CANCELLED")
    tally.add_document(kept)
    tally.remove_booking(tally.add_document(gone))
    assert tally.build_rollups() == {"2026-03-14": {"OPENTABLE": roll_up_one(), "LINEUP": {}}}


def test_only_requested_days_are_rolled_up() -> None:
    tally = RollupBuilder(["2026-03-14"], ZONE)
    assert ("2026-03-14" in tally.days, "2026-03-15" in tally.days) == (True, False)


def test_removing_an_uncounted_visit_changes_nothing() -> None:
    tally = RollupBuilder(["2026-03-14"], ZONE)
    tally.remove_booking(None)
    tally.remove_booking(tally.add_document(document(localDate="2026-03-15")))
    assert tally.build_rollups() == {"2026-03-14": {"OPENTABLE": {}, "LINEUP": {}}}


def test_recounting_a_day_replaces_its_counts() -> None:
    tally = RollupBuilder(["2026-03-14"], ZONE)
    tally.add_document(document())
    tally.reset_day("2026-03-14")
    assert tally.build_rollups() == {"2026-03-14": {"OPENTABLE": {}, "LINEUP": {}}}
