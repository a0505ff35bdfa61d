from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analytics import (
    BookingFacts,
    BookingOutcome,
    LeadTimeBucket,
    RollupBuilder,
    RollupCounts,
    classify_lead_time,
    counts_from_map,
    read_booking_facts,
    rollup_from_document,
    sum_counts,
)
from shared.domain.normalization.identifiers import ReservationSystem
from tests.strategies.analytics import DAYS, ZONE, reservation_documents
from tests.strategies.json_values import json_values

START = datetime(2026, 3, 14, 23, tzinfo=UTC)  # 19:00 in New York


def build_document(**fields: Any) -> dict[str, Any]:
    return {
        "source": {"system": "OPENTABLE"},
        "localDate": "2026-03-14",
        "startAt": "2026-03-14T23:00:00Z",
        "startAtTimestamp": START,
        "partySize": 4,
        "status": "CONFIRMED",
        "bookedAt": START - timedelta(days=3),
        "metadata": {"origin": "Web"},
        **fields,
    }


def booking_facts_of(**fields: Any) -> BookingFacts:
    facts = read_booking_facts(build_document(**fields), ZONE)
    assert facts is not None
    return facts


def test_a_visit_uses_restaurant_local_time() -> None:
    assert (booking_facts_of().local_date, booking_facts_of().hour) == ("2026-03-14", 19)


def test_a_document_without_a_date_is_not_counted() -> None:
    assert read_booking_facts(build_document(localDate=None), ZONE) is None


def test_a_reservation_that_the_staff_removed_is_not_counted() -> None:
    document = build_document(reconciliation={"reviewDecision": "REMOVED"})
    assert read_booking_facts(document, ZONE) is None


def test_a_reservation_that_the_staff_kept_is_counted() -> None:
    assert booking_facts_of(reconciliation={"reviewDecision": "KEPT"}) == booking_facts_of()


def test_the_text_time_is_used_without_a_timestamp() -> None:
    assert booking_facts_of(startAtTimestamp=None).hour == 19


def test_the_timestamp_takes_precedence_over_the_text_time() -> None:
    assert booking_facts_of(startAt="2026-03-14T12:00:00Z").hour == 19


@pytest.mark.parametrize("text", [None, "tonight"])
def test_an_invalid_time_is_unknown(text: str | None) -> None:
    facts = booking_facts_of(startAtTimestamp=None, startAt=text)
    assert (facts.hour, facts.lead_time) == (None, LeadTimeBucket.UNKNOWN)


@pytest.mark.parametrize("source", [{"system": "LINEUP"}, {}, None, "LINEUP"])
def test_any_source_other_than_opentable_counts_as_native(source: object) -> None:
    assert booking_facts_of(source=source).system is ReservationSystem.LINEUP


@pytest.mark.parametrize("size", [1, 2, 20, 31, 99_999])
def test_any_possible_party_size_is_counted(size: int) -> None:
    assert booking_facts_of(partySize=size).party_size == size


@pytest.mark.parametrize("size", [None, True, 0, -1, 100_000, 2**63 - 1, "4", 2.0])
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
    created_at = START - timedelta(days=1)
    native = booking_facts_of(source={"system": "LINEUP"}, bookedAt=None, createdAt=created_at)
    assert native.lead_time is LeadTimeBucket.DAY_BEFORE


def test_an_opentable_reservation_was_not_booked_at_document_creation() -> None:
    facts = booking_facts_of(bookedAt=None, createdAt=START - timedelta(days=1))
    assert facts.lead_time is LeadTimeBucket.UNKNOWN


@pytest.mark.parametrize(
    "lead_time, bucket",
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
    lead_time: timedelta, bucket: LeadTimeBucket
) -> None:
    assert classify_lead_time(START - lead_time, START, ZONE) is bucket


def test_a_visit_after_midnight_utc_is_on_the_restaurants_day() -> None:
    start = datetime(2026, 3, 15, 0, 30, tzinfo=UTC)  # 20:30 on the 14th in New York
    facts = booking_facts_of(startAtTimestamp=start, bookedAt=start - timedelta(hours=4))
    assert facts.lead_time is LeadTimeBucket.SAME_DAY


@given(json_values)
def test_any_document_is_counted_or_skipped(value: Any) -> None:
    read_booking_facts(dict.fromkeys(build_document(), value) | {"localDate": "2026-03-14"}, ZONE)


ledgers = st.lists(reservation_documents(), max_size=12)


def roll_up(*documents: dict[str, Any]) -> dict[str, Any]:
    builder = RollupBuilder(DAYS, ZONE)
    for each in documents:
        builder.add_document(each)
    return builder.build_rollups()


def new_builder() -> RollupBuilder:
    return RollupBuilder(["2026-03-14"], ZONE)


def opentable_counts(builder: RollupBuilder) -> dict[str, Any]:
    return builder.build_rollups()["2026-03-14"]["OPENTABLE"]


def roll_up_one(**fields: Any) -> dict[str, Any]:
    builder = new_builder()
    builder.add_document(build_document(**fields))
    return opentable_counts(builder)


def sum_all(rollups: dict[str, Any]) -> RollupCounts:
    return sum_counts(
        counts_from_map(counts) for sources in rollups.values() for counts in sources.values()
    )


@given(ledgers, st.randoms(use_true_random=False))
def test_a_roll_up_is_the_same_in_any_order(documents: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(documents)
    random.shuffle(shuffled)
    assert roll_up(*documents) == roll_up(*shuffled)


@given(ledgers, st.integers(0, 12))
def test_roll_ups_of_parts_add_up_to_that_of_the_whole(
    documents: list[dict[str, Any]], cut: int
) -> None:
    parts = [sum_all(roll_up(*documents[:cut])), sum_all(roll_up(*documents[cut:]))]
    assert sum_counts(parts) == sum_all(roll_up(*documents))


@given(ledgers)
def test_sums_over_days_equal_a_direct_count(documents: list[dict[str, Any]]) -> None:
    sums = sum_all(roll_up(*documents))
    all_facts = [read_booking_facts(each, ZONE) for each in documents]
    counted = [facts for facts in all_facts if facts and facts.local_date in DAYS]
    attending = [facts for facts in counted if facts.outcome is BookingOutcome.ATTENDING]
    booked = [facts for facts in counted if facts.lead_time is not None]
    assert sums["bookings"] == len(booked)
    assert sums["walkIns"] == sum(facts.lead_time is None for facts in attending)
    assert sums["cancelled"] == sum(facts.outcome is BookingOutcome.CANCELLED for facts in booked)
    assert sums["noShows"] == sum(facts.outcome is BookingOutcome.NO_SHOW for facts in booked)
    assert sums["covers"] == sum(facts.party_size or 0 for facts in attending)


@given(ledgers)
def test_each_breakdown_adds_up_to_its_total(documents: list[dict[str, Any]]) -> None:
    sums = sum_all(roll_up(*documents))
    breakdowns: Counter[str] = Counter()
    for path, number in sums.items():
        breakdowns[path.partition(".")[0]] += number if "." in path else 0
    assert breakdowns["bookingsByHour"] == breakdowns["bookingsByLead"] == sums["bookings"]
    assert breakdowns["coversByHour"] == sums["covers"]
    parties = sums["bookings"] - sums["cancelled"] - sums["noShows"] + sums["walkIns"]
    assert breakdowns["partiesBySize"] == parties


@given(ledgers)
def test_every_source_is_stored_without_zeros(documents: list[dict[str, Any]]) -> None:
    for sources in roll_up(*documents).values():
        assert sources.keys() == {system.value for system in ReservationSystem}
        for counts in sources.values():
            assert 0 not in counts_from_map(counts).values()


ONE_BOOKING = {
    "bookings": 1,
    "bookingsByHour": {"19": 1},
    "bookingsByLead": {"DAYS_2_TO_3": 1},
}
FOUR_COVERS = {"covers": 4, "coversByHour": {"19": 4}, "partiesBySize": {"04": 1}}


def test_a_booking_is_counted_by_hour_lead_and_size() -> None:
    assert roll_up_one() == ONE_BOOKING | FOUR_COVERS


@pytest.mark.parametrize(
    "status, count_path, covers_path",
    [("CANCELLED", "cancelled", "cancelledCovers"), ("NO_SHOW", "noShows", "noShowCovers")],
)
def test_a_visit_not_attended_counts_as_booking_without_covers(
    status: str, count_path: str, covers_path: str
) -> None:
    assert roll_up_one(status=status) == ONE_BOOKING | {count_path: 1, covers_path: 4}


def test_a_walk_in_counts_covers_and_no_booking() -> None:
    assert roll_up_one(metadata={"origin": "Walk-in"}) == FOUR_COVERS | {"walkIns": 1}


def test_an_unknown_party_size_adds_no_covers_and_no_zero() -> None:
    counts = roll_up_one(partySize=None)
    assert counts["partiesBySize"] == {"UNKNOWN": 1}
    assert not counts.keys() & {"covers", "coversByHour"}


def test_a_booking_at_an_unknown_time_is_counted_in_the_unknown_buckets() -> None:
    counts = roll_up_one(startAtTimestamp=None, startAt=None)
    assert counts["bookingsByHour"] == counts["bookingsByLead"] == {"UNKNOWN": 1}
    assert counts["coversByHour"] == {"UNKNOWN": 4}


def test_a_visit_on_an_unrequested_day_is_not_counted() -> None:
    assert roll_up_one(localDate="2026-03-15") == {}


def test_the_sums_of_stored_days_are_by_path() -> None:
    day = counts_from_map(roll_up_one())
    assert sum_counts([day, day])["coversByHour.19"] == 8


def test_a_stored_day_is_read_by_source() -> None:
    stored = {"sources": {"OPENTABLE": roll_up_one(), "OTHER": {"covers": 1}}}
    counts = counts_from_map(roll_up_one())
    assert rollup_from_document(stored) == {ReservationSystem.OPENTABLE: counts}


@pytest.mark.parametrize("day", [{}, {"sources": None}, {"sources": "OPENTABLE"}])
def test_a_stored_day_without_sources_has_no_counts(day: dict[str, Any]) -> None:
    assert rollup_from_document(day) == {}


def test_a_damaged_count_of_a_stored_day_is_not_read() -> None:
    sources = {"OPENTABLE": {"covers": "4", "bookings": True, "noShows": 1}, "LINEUP": 5}
    assert rollup_from_document({"sources": sources}) == {
        ReservationSystem.OPENTABLE: Counter(noShows=1),
        ReservationSystem.LINEUP: Counter(),
    }


def test_a_cancelled_walk_in_is_not_counted() -> None:
    assert roll_up_one(metadata={"origin": "Walk-in"}, status="CANCELLED") == {}


def test_the_largest_parties_are_counted_together() -> None:
    assert roll_up_one(partySize=31)["partiesBySize"] == {"20": 1}


def test_a_day_without_visits_is_empty() -> None:
    assert roll_up() == {day: {"OPENTABLE": {}, "LINEUP": {}} for day in DAYS}


@given(ledgers, reservation_documents())
def test_adding_and_removing_a_visit_restores_the_rollup(
    documents: list[dict[str, Any]], other: dict[str, Any]
) -> None:
    builder = RollupBuilder(DAYS, ZONE)
    facts = builder.add_document(other)
    for each in documents:
        builder.add_document(each)
    builder.remove_booking(facts)
    assert builder.build_rollups() == roll_up(*documents)


def test_removing_a_visit_leaves_no_zero() -> None:
    builder = new_builder()
    builder.add_document(build_document())
    builder.remove_booking(builder.add_document(build_document(partySize=2, status="CANCELLED")))
    assert opentable_counts(builder) == roll_up_one()


def test_only_requested_days_are_rolled_up() -> None:
    assert new_builder().days == {"2026-03-14"}


def test_removing_an_uncounted_visit_changes_nothing() -> None:
    builder = new_builder()
    builder.remove_booking(None)
    builder.remove_booking(builder.add_document(build_document(localDate="2026-03-15")))
    assert opentable_counts(builder) == {}


def test_recounting_a_day_replaces_its_counts() -> None:
    builder = new_builder()
    builder.add_document(build_document())
    builder.reset_day("2026-03-14")
    assert opentable_counts(builder) == {}
