"""Patterns as CSV for a spreadsheet: a row for each day and source, a column for each count."""

import csv
import io

from shared.core.pattern_sums import AnalyticsDays, count_parties
from shared.core.patterns import UNKNOWN_BUCKET, RollupCounts
from shared.core.visits import MAX_COUNTED_PARTY_SIZE, LeadTimeBucket

_TOTAL_COLUMNS = {
    "bookings": "bookings",
    "cancelled": "cancelled",
    "no_shows": "noShows",
    "walk_ins": "walkIns",
    "covers": "covers",
    "cancelled_covers": "cancelledCovers",
    "no_show_covers": "noShowCovers",
}
_HOURS = [*(f"{hour:02}" for hour in range(24)), UNKNOWN_BUCKET]
_PARTY_SIZES = [*(f"{size:02}" for size in range(1, MAX_COUNTED_PARTY_SIZE + 1)), UNKNOWN_BUCKET]
_BREAKDOWN_COLUMNS: dict[str, tuple[str, list[str]]] = {
    "bookings_hour": ("bookingsByHour", _HOURS),
    "covers_hour": ("coversByHour", _HOURS),
    "bookings_lead": ("bookingsByLead", [*LeadTimeBucket]),
    "parties_size": ("partiesBySize", _PARTY_SIZES),
}
_COLUMNS = _TOTAL_COLUMNS | {
    f"{column}_{key.lower()}": f"{path}.{key}"
    for column, (path, keys) in _BREAKDOWN_COLUMNS.items()
    for key in keys
}
"""Each column of counts, and the path of its count."""

CSV_HEADER = ("date", "source", "parties", *_COLUMNS)


def format_analytics_csv(days: AnalyticsDays) -> str:
    r"""Return the days by RFC 4180, with a header and ``\r\n`` after each line.

    Every cell is a date, a source of ours or a whole number of at least 0, so none can be taken
    for a formula or needs quotes.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(CSV_HEADER)
    for day in sorted(days):
        for system, counts in sorted(days[day].items()):
            rows.writerow((day, system.value, count_parties(counts), *_list_counts(counts)))
    return text.getvalue()


def _list_counts(counts: RollupCounts) -> list[int]:
    return [counts[path] for path in _COLUMNS.values()]
