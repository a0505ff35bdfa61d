"""The parameters of the Sync lists, read as OpenTable's pages describe them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.sandbox.choices import Choices
from dev.sandbox.errors import Refused
from dev.sandbox.records import Guest, Reservation

DEFAULT_LIMIT = 1000
MAX_LIMIT = 2000
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class ReservationFilter:
    """Which reservations are asked for; all that is given must hold. Bounds are local text."""

    updated_after: datetime | None
    updated_inclusive: bool
    scheduled_from: str
    scheduled_to: str
    window_inclusive: bool
    state: str | None
    confirmation_id: str | None
    guest_key: str | None

    def keeps(self, row: Reservation) -> bool:
        """Say whether ``row`` is asked for."""
        return (
            _after(row.updated, self.updated_after, inclusive=self.updated_inclusive)
            and self.scheduled_from <= row.local <= self.scheduled_to
            and (self.window_inclusive or row.local not in {self.scheduled_from, self.scheduled_to})
            and self.state in {None, row.state}
            and self.confirmation_id in {None, str(row.confirmation_id)}
            and self.guest_key in {None, row.guest_key}
        )


@dataclass(frozen=True, slots=True)
class GuestFilter:
    """Which guests are asked for."""

    updated_after: datetime | None
    updated_inclusive: bool
    email_optin: bool | None

    def keeps(self, guest: Guest) -> bool:
        """Say whether ``guest`` is asked for."""
        after = _after(guest.updated, self.updated_after, inclusive=self.updated_inclusive)
        return after and self.email_optin in {None, guest.email_optin}


def reservation_filter(query: Mapping[str, str], choices: Choices) -> ReservationFilter:
    """Read the filter of a reservation list; refused with 400 where a value cannot be read."""
    return ReservationFilter(
        updated_after=_instant(query.get("updated_after")),
        updated_inclusive=choices.updated_after_inclusive,
        scheduled_from=_local(query.get("scheduled_time_from"), ""),
        scheduled_to=_local(query.get("scheduled_time_to"), "~"),
        window_inclusive=choices.window_inclusive,
        state=query.get("state"),
        confirmation_id=query.get("confirmation_id"),
        guest_key=query.get("guest_id"),
    )


def guest_filter(query: Mapping[str, str], choices: Choices) -> GuestFilter:
    """Read the filter of a guest list; refused with 400 where a value cannot be read."""
    wish = query.get("email_optin")
    return GuestFilter(
        updated_after=_instant(query.get("updated_after")),
        updated_inclusive=choices.updated_after_inclusive,
        email_optin=None if wish is None else wish == "true",
    )


def number(query: Mapping[str, str], name: str, default: int | None = None, least: int = 0) -> int:
    """Read a whole number of at least ``least``; refused with 400 where there is none."""
    text = query.get(name, "" if default is None else str(default))
    if not text.isdecimal() or int(text) < least:
        raise _unreadable(name)
    return int(text)


def page_limit(query: Mapping[str, str], choices: Choices) -> int:
    """Read the page size: 1000 by default, 2000 at most."""
    limit = number(query, "limit", DEFAULT_LIMIT, least=1)
    if limit > MAX_LIMIT and choices.above_limit == "refuse":
        raise _unreadable("limit")
    return min(limit, MAX_LIMIT)


def _after(updated: datetime, bound: datetime | None, *, inclusive: bool) -> bool:
    return bound is None or updated > bound or (inclusive and updated == bound)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise _unreadable("updated_after") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _local(text: str | None, default: str) -> str:
    # A zone or fraction behind the seconds is dropped: real clients send UTC here by mistake.
    if text is None:
        return default
    found = _LOCAL.match(text)
    if found is None:
        raise _unreadable("scheduled_time")
    return found.group()


def _unreadable(name: str) -> Refused:
    return Refused(400, "spring_message", message=f"Send a valid value for '{name}'.")
