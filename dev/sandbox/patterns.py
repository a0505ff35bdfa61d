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

OPENING_HOUR, LAST_SEATING_HOUR = 11, 22
_STATISTICS: dict[str, dict[str, float]] = json.loads(
    Path(__file__).with_name("patterns.json").read_text()
)
_MINUTE_SHARES = {0: 0.45, 15: 0.15, 30: 0.3, 45: 0.1}
_MAX_LEAD_HOURS = 42 * 24.0

PARTY_SHARES = {
    int(size.rstrip("+")): share for size, share in _STATISTICS["party_size_share"].items()
}
HOUR_SHARES = {
    int(hour): share
    for hour, share in _STATISTICS["visit_hour_share"].items()
    if OPENING_HOUR <= int(hour) <= LAST_SEATING_HOUR
}
_WEEKDAY_SHARES = list(_STATISTICS["weekday_share"].values())
_LEAD_TIME_QUANTILES = [
    (0.0, 0.0),
    *((float(share), hours) for share, hours in _STATISTICS["lead_time_hours_quantiles"].items()),
    (1.0, _MAX_LEAD_HOURS),
]


def draw_party_size(rng: random.Random) -> int:
    """Draw a party of 1 to 20."""
    return _PARTY_SIZES.draw(rng)


def draw_visit_time(day: date, zone: ZoneInfo, rng: random.Random) -> datetime:
    """Draw the aware time of a visit on local date ``day``, on a quarter of an hour."""
    return datetime.combine(day, time(_HOURS.draw(rng), _QUARTERS.draw(rng)), zone)


def get_weekday_weight(day: date) -> float:
    """Return the share of a week's visits that falls on this weekday."""
    return float(_WEEKDAY_SHARES[day.weekday()])


def compute_lead_hours(share: float) -> float:
    """Return the lead time in hours below which ``share`` (0 to 1) of the bookings lie."""
    for (low, start), (high, end) in pairwise(_LEAD_TIME_QUANTILES):
        if share <= high:
            return start + (end - start) * (share - low) / (high - low)
    return _MAX_LEAD_HOURS


def compute_lead_share(hours: float) -> float:
    """Return the share of bookings with a lead time below ``hours``."""
    index = bisect_left([end for _, end in _LEAD_TIME_QUANTILES], hours)
    if index >= len(_LEAD_TIME_QUANTILES):
        return 1.0
    if index == 0:
        return 0.0
    (low, start), (high, end) = _LEAD_TIME_QUANTILES[index - 1], _LEAD_TIME_QUANTILES[index]
    return low + (high - low) * (hours - start) / (end - start)


def draw_lead_time(rng: random.Random, minimum: timedelta = timedelta(0)) -> timedelta:
    """Draw how long ahead a visit was booked, given that it was at least ``minimum``."""
    min_share = compute_lead_share(minimum.total_seconds() / 3600)
    return timedelta(hours=compute_lead_hours(rng.uniform(min_share, 1.0)))


class _WeightedValues:
    """Values to draw by their shares, summed up once."""

    def __init__(self, shares: Mapping[int, float]) -> None:
        self._values = list(shares)
        self._sums = list(accumulate(shares.values()))

    def draw(self, rng: random.Random) -> int:
        return rng.choices(self._values, cum_weights=self._sums)[0]


_PARTY_SIZES, _HOURS, _QUARTERS = (
    _WeightedValues(PARTY_SHARES),
    _WeightedValues(HOUR_SHARES),
    _WeightedValues(_MINUTE_SHARES),
)
