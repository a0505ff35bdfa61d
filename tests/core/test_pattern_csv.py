"""The CSV: a row a day and source, and nothing that a spreadsheet could run."""

import csv
import io
import re
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.core.pattern_csv import HEADER, as_csv
from shared.core.pattern_sums import Days
from shared.core.patterns import Tally, counts_from, summed
from shared.core.system import System
from tests.strategies.visits import DAYS, ZONE, documents

SPLIT = re.compile(r"(bookings_hour|covers_hour|bookings_lead|parties_size)_")


def counted(held: list[dict[str, Any]]) -> Days:
    tally = Tally(DAYS, ZONE)
    for document in held:
        tally.take(document)
    return {
        day: {System(name): counts_from(counts) for name, counts in up.items()}
        for day, up in tally.roll_ups().items()
    }


ledgers = st.lists(documents(), max_size=8).map(counted)


def rows(days: Days) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(days), newline=""), strict=True))


@given(ledgers)
def test_there_is_a_row_for_each_day_and_source(days: Days) -> None:
    named = [(row["date"], row["source"]) for row in rows(days)]
    assert named == [(day, source) for day in DAYS for source in ("LINEUP", "OPENTABLE")]


@given(ledgers)
def test_every_count_stands_in_a_column(days: Days) -> None:
    for row in rows(days):
        cells = [int(row[name]) for name in HEADER[2:]]
        counts = days[row["date"]][System(row["source"])]
        assert sum(cells) - int(row["parties"]) == counts.total()


@given(ledgers)
def test_the_columns_add_up_to_the_sums(days: Days) -> None:
    whole = summed(counts for sources in days.values() for counts in sources.values())
    told = rows(days)
    assert sum(int(row["covers_hour_19"]) for row in told) == whole["coversByHour.19"]
    assert sum(int(row["bookings"]) for row in told) == whole["bookings"]


@given(ledgers)
def test_no_cell_can_be_taken_for_a_formula_or_needs_quotes(days: Days) -> None:
    lines = as_csv(days).split("\r\n")
    assert lines.pop() == ""
    for line in lines[1:]:
        day, source, *cells = line.split(",")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
        assert source in {"OPENTABLE", "LINEUP"}
        assert all(re.fullmatch(r"\d+", cell) for cell in cells)


def test_days_and_sources_are_in_order_each_with_its_counts() -> None:
    one = Counter({"bookings": 1, "partiesBySize.04": 1})
    days = {"2026-03-15": {System.OPENTABLE: one, System.LINEUP: Counter[str]()}}
    told = rows({**days, "2026-03-14": {System.LINEUP: one}})
    assert [(row["date"], row["source"], row["bookings"]) for row in told] == [
        ("2026-03-14", "LINEUP", "1"),
        ("2026-03-15", "LINEUP", "0"),
        ("2026-03-15", "OPENTABLE", "1"),
    ]


def test_a_day_that_was_never_counted_has_no_row() -> None:
    assert as_csv({}) == ",".join(HEADER) + "\r\n"


def test_the_columns_are_as_documented() -> None:
    assert len(HEADER) == len(set(HEADER)) == 90
    assert HEADER[:6] == ("date", "source", "parties", "bookings", "cancelled", "no_shows")
    assert {SPLIT.sub("", name) for name in HEADER if SPLIT.match(name)} >= {
        "00",
        "23",
        "unknown",
        "under_2_hours",
        "20",
    }
