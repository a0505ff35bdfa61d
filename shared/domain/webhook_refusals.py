"""Count the webhooks of a restaurant that were not authenticated, by scheme and reason.

The counts contain nothing of the refused requests: only codes, numbers and times of receipt.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

# A longer pause begins a new count.
REFUSAL_PAUSE = timedelta(hours=1)
# Older counts no longer describe the restaurant's present state.
REFUSAL_LIFETIME = timedelta(days=1)


class WebhookRefusal(Struct, frozen=True):
    """Refused webhooks with the same scheme and reason.

    Attributes:
        scheme: The scheme of the presented credential.
        reason: A code of docs/codes.md#authentication-failures.
        since: Receipt of the first one, UTC.
        last_at: Receipt of the newest one, UTC.
    """

    scheme: str
    reason: str
    count: int
    since: datetime
    last_at: datetime

    def merge(self, other: "WebhookRefusal") -> "WebhookRefusal":
        """Return the sum of two counts, or the later one if there was a long pause between them."""
        first, second = sorted((self, other), key=lambda refusal: refusal.last_at)
        if second.since - first.last_at > REFUSAL_PAUSE:
            return second
        since = min(first.since, second.since)
        return replace(second, count=first.count + second.count, since=since)

    def to_map(self) -> dict[str, Any]:
        """Return it as stored."""
        return {
            "scheme": self.scheme,
            "reason": self.reason,
            "count": self.count,
            "since": self.since,
            "lastAt": self.last_at,
        }


class RefusalWindow(Struct):
    """The refusals of one restaurant that a process has not yet logged or stored.

    Attributes:
        unlogged: Scheme and reason to a number of refusals.
        logged: The kinds with a line in this minute.
    """

    unstored: list[WebhookRefusal] = field(default_factory=list)
    unlogged: Counter[tuple[str, str]] = field(default_factory=Counter)
    logged: set[tuple[str, str]] = field(default_factory=set)


def merge_refusals(
    stored: Iterable[WebhookRefusal], new: Iterable[WebhookRefusal], now: datetime
) -> list[WebhookRefusal]:
    """Return both lists as one, the newest first, without expired counts."""
    merged: dict[tuple[str, str], WebhookRefusal] = {}
    for refusal in (*stored, *new):
        key = (refusal.scheme, refusal.reason)
        merged[key] = merged[key].merge(refusal) if key in merged else refusal
    current = [each for each in merged.values() if now - each.last_at <= REFUSAL_LIFETIME]
    return sorted(current, key=lambda refusal: refusal.last_at, reverse=True)


def select_standing_refusals(
    refusals: Iterable[WebhookRefusal], last_accepted_at: Mapping[str, datetime], now: datetime
) -> list[WebhookRefusal]:
    """Return the refusals that no accepted webhook of the same scheme followed, the newest first.

    Args:
        last_accepted_at: Scheme to the receipt of its newest accepted webhook, UTC.
    """
    return [
        refusal
        for refusal in merge_refusals(refusals, (), now)
        if (accepted_at := last_accepted_at.get(refusal.scheme)) is None
        or accepted_at <= refusal.last_at
    ]


def refusals_from_document(document: Mapping[str, Any] | None) -> list[WebhookRefusal]:
    """Read stored counts; skip items of another form."""
    stored = (document or {}).get("refusals")
    return [
        WebhookRefusal(item["scheme"], item["reason"], item["count"], item["since"], item["lastAt"])
        for item in (stored if isinstance(stored, list) else [])
        if isinstance(item, Mapping)
        and all(isinstance(item.get(name), str) for name in ("scheme", "reason"))
        and isinstance(item.get("count"), int)
        and all(isinstance(item.get(name), datetime) for name in ("since", "lastAt"))
    ]
