"""The rate limit that OpenTable's CRM page documents, as a switch for Sync."""

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Literal

_WINDOW = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Calls a second and credential, and how the refusal says when to come back."""

    per_second: int = 10
    retry_after: Literal["none", "seconds", "date"] = "seconds"

    def build_headers(self, now: datetime) -> dict[str, str]:
        """Return the Retry-After header of a refusal at ``now`` (in UTC), if any."""
        date = format_datetime(now.replace(microsecond=0) + 2 * _WINDOW, usegmt=True)
        values = {"none": {}, "seconds": {"Retry-After": "1"}, "date": {"Retry-After": date}}
        return values[self.retry_after]


class RateLimiter:
    """Counts each credential's calls of the last second."""

    def __init__(self) -> None:
        """Start with no calls."""
        self._calls: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def try_acquire(self, credential: str, now: datetime, limit: RateLimit) -> bool:
        """Say whether a call is within the limit, and count it if so (``now`` aware)."""
        calls = self._calls[credential]
        while calls and now - calls[0] >= _WINDOW:
            calls.popleft()
        if len(calls) >= limit.per_second:
            return False
        calls.append(now)
        return True
