"""Patterns as CSV for a spreadsheet: a row for each day and source, a column for each count."""

import csv
import io

from shared.core.pattern_sums import Days, parties
from shared.core.patterns import UNKNOWN, Counts
from shared.core.visits import LARGEST_PARTY, Lead

_PLAIN = {
    "bookings": "bookings",
    "cancelled": "cancelled",
    "no_shows": "noShows",
    "walk_ins": "walkIns",
    "covers": "covers",
    "cancelled_covers": "cancelledCovers",
    "no_show_covers": "noShowCovers",
}
_HOURS = [*(f"{hour:02}" for hour in range(24)), UNKNOWN]
_SIZES = [*(f"{size:02}" for size in range(1, LARGEST_PARTY + 1)), UNKNOWN]
_SPLITS: dict[str, tuple[str, list[str]]] = {
    "bookings_hour": ("bookingsByHour", _HOURS),
    "covers_hour": ("coversByHour", _HOURS),
    "bookings_lead": ("bookingsByLead", [*Lead]),
    "parties_size": ("partiesBySize", _SIZES),
}
_COLUMNS = _PLAIN | {
    f"{column}_{key.lower()}": f"{path}.{key}"
    for column, (path, keys) in _SPLITS.items()
    for key in keys
}
"""Each column of counts, and the path of its count."""

HEADER = ("date", "source", "parties", *_COLUMNS)


def as_csv(days: Days) -> str:
    r"""Return the days by RFC 4180, with a header and ``\r\n`` after each line.

    Every cell is a date, a source of ours or a whole number of at least 0, so none can be taken
    for a formula or needs quotes.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(HEADER)
    for day in sorted(days):
        for system, counts in sorted(days[day].items()):
            rows.writerow((day, system.value, parties(counts), *_cells(counts)))
    return text.getvalue()


def _cells(counts: Counts) -> list[int]:
    return [counts[path] for path in _COLUMNS.values()]
