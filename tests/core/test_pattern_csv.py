"""The CSV: a row a day and source, and nothing that a spreadsheet could run."""

import csv
import io
import re
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.core.pattern_csv import CSV_HEADER, format_analytics_csv
from shared.core.pattern_sums import AnalyticsDays
from shared.core.patterns import RollupBuilder, counts_from_map, sum_counts
from shared.core.system import ReservationSystem
from tests.strategies.visits import DAYS, ZONE, reservation_documents

SPLIT = re.compile(r"(bookings_hour|covers_hour|bookings_lead|parties_size)_")


def rollup_days(documents_given: list[dict[str, Any]]) -> AnalyticsDays:
    tally = RollupBuilder(DAYS, ZONE)
    for document in documents_given:
        tally.add_document(document)
    return {
        day: {ReservationSystem(name): counts_from_map(counts) for name, counts in up.items()}
        for day, up in tally.build_rollups().items()
    }


ledgers = st.lists(reservation_documents(), max_size=8).map(rollup_days)


def csv_rows(days: AnalyticsDays) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(format_analytics_csv(days), newline=""), strict=True))


@given(ledgers)
def test_there_is_a_row_for_each_day_and_source(days: AnalyticsDays) -> None:
    named = [(row["date"], row["source"]) for row in csv_rows(days)]
    assert named == [(day, source) for day in DAYS for source in ("LINEUP", "OPENTABLE")]


@given(ledgers)
def test_every_count_has_a_column(days: AnalyticsDays) -> None:
    for row in csv_rows(days):
        cells = [int(row[name]) for name in CSV_HEADER[2:]]
        counts = days[row["date"]][ReservationSystem(row["source"])]
        assert sum(cells) - int(row["parties"]) == counts.total()


@given(ledgers)
def test_the_columns_add_up_to_the_sums(days: AnalyticsDays) -> None:
    whole = sum_counts(counts for sources in days.values() for counts in sources.values())
    told = csv_rows(days)
    assert sum(int(row["covers_hour_19"]) for row in told) == whole["coversByHour.19"]
    assert sum(int(row["bookings"]) for row in told) == whole["bookings"]


@given(ledgers)
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
    days = {
        "2026-03-15": {ReservationSystem.OPENTABLE: one, ReservationSystem.LINEUP: Counter[str]()}
    }
    told = csv_rows({**days, "2026-03-14": {ReservationSystem.LINEUP: one}})
    assert [(row["date"], row["source"], row["bookings"]) for row in told] == [
        ("2026-03-14", "LINEUP", "1"),
        ("2026-03-15", "LINEUP", "0"),
        ("2026-03-15", "OPENTABLE", "1"),
    ]


def test_a_day_that_was_never_counted_has_no_row() -> None:
    assert format_analytics_csv({}) == ",".join(CSV_HEADER) + "\r\n"


def test_the_columns_are_as_documented() -> None:
    assert len(CSV_HEADER) == len(set(CSV_HEADER)) == 90
    assert CSV_HEADER[:6] == ("date", "source", "parties", "bookings", "cancelled", "no_shows")
    assert {SPLIT.sub("", name) for name in CSV_HEADER if SPLIT.match(name)} >= {
        "00",
        "23",
        "unknown",
        "under_2_hours",
        "20",
    }
