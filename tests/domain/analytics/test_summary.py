import csv
import io
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.analytics import (
    CSV_HEADER,
    AnalyticsDays,
    RollupBuilder,
    count_parties,
    counts_from_map,
    format_analytics_csv,
    list_missing_spans,
    sum_counts,
    summarize,
)
from shared.domain.normalization.identifiers import ReservationSystem
from tests.strategies.analytics import DAYS, ZONE, reservation_documents

MONDAY, TUESDAY, NEXT_MONDAY = "2026-03-09", "2026-03-10", "2026-03-16"


def day(native_bookings: int = 0, **counts: int) -> dict[ReservationSystem, Counter[str]]:
    return {
        ReservationSystem.OPENTABLE: Counter(counts),
        ReservationSystem.LINEUP: Counter(bookings=native_bookings),
    }


def test_only_requested_sources_are_summed() -> None:
    days = {MONDAY: day(native_bookings=3, bookings=2), TUESDAY: day(bookings=5)}
    assert summarize(days, ReservationSystem, MONDAY).counts["bookings"] == 10
    assert summarize(days, [ReservationSystem.LINEUP], MONDAY).counts["bookings"] == 3


def test_a_weekday_is_the_sum_of_its_dates() -> None:
    days = {MONDAY: day(covers=2), TUESDAY: day(covers=4), NEXT_MONDAY: day(covers=8)}
    weekly = summarize(days, ReservationSystem, MONDAY).by_weekday
    assert {weekday: counts["covers"] for weekday, counts in weekly.items()} == {1: 10, 2: 4}


@pytest.mark.parametrize("bookings, rate", [(8, 0.125), (3, 0.3333)])
def test_cancellations_are_a_share_of_all_bookings_to_four_digits(
    bookings: int, rate: float
) -> None:
    days = {MONDAY: day(bookings=bookings, cancelled=1)}
    assert summarize(days, ReservationSystem, MONDAY).cancellation_rate == rate


def test_the_no_show_rate_counts_due_bookings_that_were_not_cancelled() -> None:
    days = {MONDAY: day(bookings=10, cancelled=2, noShows=1), TUESDAY: day(bookings=90)}
    assert summarize(days, ReservationSystem, TUESDAY).no_show_rate == 0.125


@pytest.mark.parametrize("days", [{}, {MONDAY: day()}, {TUESDAY: day(walkIns=1)}])
def test_without_bookings_there_are_no_rates(days: AnalyticsDays) -> None:
    summary = summarize(days, ReservationSystem, NEXT_MONDAY)
    assert (summary.cancellation_rate, summary.no_show_rate) == (None, None)


def test_party_counts_contain_attended_bookings_and_walk_ins() -> None:
    assert count_parties(Counter(bookings=10, cancelled=2, noShows=1, walkIns=4)) == 11


REQUESTED_DAYS = [f"2026-03-{number:02}" for number in range(1, 11)]


def test_consecutive_missing_days_are_one_span() -> None:
    counted = {each: day() for each in REQUESTED_DAYS if each[-1] in "348"}
    assert list_missing_spans(REQUESTED_DAYS, counted) == [
        ("2026-03-01", "2026-03-02"),
        ("2026-03-05", "2026-03-07"),
        ("2026-03-09", "2026-03-10"),
    ]


@given(st.sets(st.sampled_from(REQUESTED_DAYS)))
def test_every_requested_day_is_counted_or_in_one_missing_span(counted: set[str]) -> None:
    spans = list_missing_spans(REQUESTED_DAYS, {each: day() for each in counted})
    missing = [each for each in REQUESTED_DAYS for first, last in spans if first <= each <= last]
    assert missing == [each for each in REQUESTED_DAYS if each not in counted]


def rollup_days(documents: list[dict[str, Any]]) -> AnalyticsDays:
    builder = RollupBuilder(DAYS, ZONE)
    for document in documents:
        builder.add_document(document)
    return {
        day: {ReservationSystem(name): counts_from_map(counts) for name, counts in rollup.items()}
        for day, rollup in builder.build_rollups().items()
    }


analytics_days = st.lists(reservation_documents(), max_size=8).map(rollup_days)


def csv_rows(days: AnalyticsDays) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(format_analytics_csv(days), newline=""), strict=True))


@given(analytics_days)
def test_there_is_a_row_for_each_day_and_source(days: AnalyticsDays) -> None:
    keys = [(row["date"], row["source"]) for row in csv_rows(days)]
    assert keys == [(day, source) for day in DAYS for source in ("LINEUP", "OPENTABLE")]


@given(analytics_days)
def test_every_count_has_a_column(days: AnalyticsDays) -> None:
    for row in csv_rows(days):
        cells = [int(row[name]) for name in CSV_HEADER[2:]]
        counts = days[row["date"]][ReservationSystem(row["source"])]
        assert sum(cells) - int(row["parties"]) == counts.total()


@given(analytics_days)
def test_the_columns_add_up_to_the_sums(days: AnalyticsDays) -> None:
    totals = sum_counts(counts for sources in days.values() for counts in sources.values())
    rows = csv_rows(days)
    assert sum(int(row["covers_hour_19"]) for row in rows) == totals["coversByHour.19"]
    assert sum(int(row["bookings"]) for row in rows) == totals["bookings"]


@given(analytics_days)
def test_no_cell_is_a_formula_or_needs_quotes(days: AnalyticsDays) -> None:
    lines = format_analytics_csv(days).split("\r\n")
    assert lines.pop() == ""
    for line in lines[1:]:
        day, source, *cells = line.split(",")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
        assert source in {"OPENTABLE", "LINEUP"}
        assert all(re.fullmatch(r"\d+", cell) for cell in cells)


def test_days_and_sources_are_in_order_each_with_its_counts() -> None:
    one = Counter({"bookings": 1, "partiesBySize.04": 1})
    later = {ReservationSystem.OPENTABLE: one, ReservationSystem.LINEUP: Counter[str]()}
    rows = csv_rows({"2026-03-15": later, "2026-03-14": {ReservationSystem.LINEUP: one}})
    assert [(row["date"], row["source"], row["bookings"]) for row in rows] == [
        ("2026-03-14", "LINEUP", "1"),
        ("2026-03-15", "LINEUP", "0"),
        ("2026-03-15", "OPENTABLE", "1"),
    ]


def test_a_day_that_was_never_counted_has_no_row() -> None:
    assert format_analytics_csv({}) == ",".join(CSV_HEADER) + "\r\n"


def test_the_columns_are_as_documented() -> None:
    assert len(CSV_HEADER) == len(set(CSV_HEADER)) == 90
    assert CSV_HEADER[:6] == ("date", "source", "parties", "bookings", "cancelled", "no_shows")
    breakdowns = {"bookings_hour_00", "covers_hour_23", "covers_hour_unknown"}
    breakdowns |= {"bookings_lead_under_2_hours", "parties_size_20"}
    assert breakdowns <= set(CSV_HEADER)
