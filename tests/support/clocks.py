"""Manual timers, and reference UTC offsets of five zones for 2026 and 2027, from `zdump -v`.

The offsets do not use `zoneinfo`.
"""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta


class FakeTimer:
    """A timer in seconds, moved by hand."""

    def __init__(self, start_seconds: float = 1000.0) -> None:
        self._seconds = start_seconds

    def __call__(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Let seconds pass."""
        self._seconds += seconds


# Zone: its offset in seconds at the start of 2026, then each switch (UTC) and the offset after it.
ZONE_TRANSITIONS: dict[str, tuple[int, dict[str, int]]] = {
    "America/New_York": (
        -18000,
        {
            "2026-03-08T07:00:00": -14400,
            "2026-11-01T06:00:00": -18000,
            "2027-03-14T07:00:00": -14400,
            "2027-11-07T06:00:00": -18000,
        },
    ),
    "Europe/London": (
        0,
        {
            "2026-03-29T01:00:00": 3600,
            "2026-10-25T01:00:00": 0,
            "2027-03-28T01:00:00": 3600,
            "2027-10-31T01:00:00": 0,
        },
    ),
    "Australia/Sydney": (
        39600,
        {
            "2026-04-04T16:00:00": 36000,
            "2026-10-03T16:00:00": 39600,
            "2027-04-03T16:00:00": 36000,
            "2027-10-02T16:00:00": 39600,
        },
    ),
    "Asia/Kolkata": (19800, {}),
    "America/Phoenix": (-25200, {}),
}


def transitions(zone: str) -> list[datetime]:
    """Return a zone's clock changes of 2026 and 2027 as instants."""
    after = ZONE_TRANSITIONS[zone][1] or ZONE_TRANSITIONS["America/New_York"][1]
    return [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in after]


def utc_offset(zone: str, instant: datetime) -> timedelta:
    """Return how far a zone's wall clock is ahead of UTC at an instant."""
    first, later = ZONE_TRANSITIONS[zone]
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in later]
    offsets = [first, *later.values()]
    return timedelta(seconds=offsets[bisect_right(moments, instant)])


def local_time(zone: str, instant: datetime) -> str:
    """Return the local time at an instant, ``YYYY-MM-DDTHH:MM:SS``."""
    return f"{instant + utc_offset(zone, instant):%Y-%m-%dT%H:%M:%S}"


def instants_at(zone: str, text: str) -> list[datetime]:
    """Return the instants with a local time: two, one or none."""
    local_as_utc = datetime.fromisoformat(text).replace(tzinfo=UTC)
    offsets = {ZONE_TRANSITIONS[zone][0], *ZONE_TRANSITIONS[zone][1].values()}
    guesses = sorted(local_as_utc - timedelta(seconds=seconds) for seconds in offsets)
    return [guess for guess in guesses if local_time(zone, guess) == text]
