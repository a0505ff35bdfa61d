"""How real guests book, as aggregate figures: party sizes, hours, weekdays and lead times.

The figures in ``patterns.json`` name their source; hours outside the restaurant's opening are
left out here, and parties of twenty or more count as twenty, the most that can be booked.
"""

import json
import random
from bisect import bisect_left
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

OPENS, LAST_SEATING = 11, 22
_FIGURES: dict[str, dict[str, float]] = json.loads(
    Path(__file__).with_name("patterns.json").read_text()
)
_MINUTES = {0: 0.45, 15: 0.15, 30: 0.3, 45: 0.1}
_LONGEST_LEAD_HOURS = 42 * 24.0

PARTY_SHARES = {
    int(size.rstrip("+")): share for size, share in _FIGURES["party_size_share"].items()
}
HOUR_SHARES = {
    int(hour): share
    for hour, share in _FIGURES["visit_hour_share"].items()
    if OPENS <= int(hour) <= LAST_SEATING
}
_WEEKDAYS = list(_FIGURES["weekday_share"].values())
_LEADS = [
    (0.0, 0.0),
    *((float(share), hours) for share, hours in _FIGURES["lead_time_hours_quantiles"].items()),
    (1.0, _LONGEST_LEAD_HOURS),
]


def party_size(rng: random.Random) -> int:
    """Draw a party of 1 to 20."""
    return _PARTIES.draw(rng)


def visit_time(day: date, zone: ZoneInfo, rng: random.Random) -> datetime:
    """Draw the aware time of a visit on local date ``day``, on a quarter of an hour."""
    return datetime.combine(day, time(_HOURS.draw(rng), _QUARTERS.draw(rng)), zone)


def weekday_weight(day: date) -> float:
    """Return the share of a week's visits that falls on this weekday."""
    return float(_WEEKDAYS[day.weekday()])


def lead_hours(share: float) -> float:
    """Return the lead time in hours below which ``share`` (0 to 1) of the bookings lie."""
    for (low, start), (high, end) in pairwise(_LEADS):
        if share <= high:
            return start + (end - start) * (share - low) / (high - low)
    return _LONGEST_LEAD_HOURS


def lead_share(hours: float) -> float:
    """Return the share of bookings with a lead time below ``hours``: ``lead_hours`` backwards."""
    place = bisect_left([end for _, end in _LEADS], hours)
    if place >= len(_LEADS):
        return 1.0
    if place == 0:
        return 0.0
    (low, start), (high, end) = _LEADS[place - 1], _LEADS[place]
    return low + (high - low) * (hours - start) / (end - start)


def lead_time(rng: random.Random, at_least: timedelta = timedelta(0)) -> timedelta:
    """Draw how long ahead a visit was booked, given that it was at least ``at_least``."""
    known = lead_share(at_least.total_seconds() / 3600)
    return timedelta(hours=lead_hours(rng.uniform(known, 1.0)))


class _Shares:
    """Values to draw by their shares, summed up once."""

    def __init__(self, shares: Mapping[int, float]) -> None:
        self._values = list(shares)
        self._sums = list(accumulate(shares.values()))

    def draw(self, rng: random.Random) -> int:
        return rng.choices(self._values, cum_weights=self._sums)[0]


_PARTIES, _HOURS, _QUARTERS = _Shares(PARTY_SHARES), _Shares(HOUR_SHARES), _Shares(_MINUTES)
