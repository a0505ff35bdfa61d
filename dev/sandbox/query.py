"""The parameters of the Sync lists, read as OpenTable's pages describe them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.sandbox.choices import BehaviorSwitches
from dev.sandbox.errors import SandboxHttpError
from dev.sandbox.records import SandboxGuest, SandboxReservation

DEFAULT_PAGE_LIMIT = 1000
MAX_PAGE_LIMIT = 2000
_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


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

    def matches(self, row: SandboxReservation) -> bool:
        """Say whether ``row`` is asked for."""
        return (
            _is_after(row.updated, self.updated_after, inclusive=self.updated_inclusive)
            and self.scheduled_from <= row.scheduled_local <= self.scheduled_to
            and (
                self.window_inclusive
                or row.scheduled_local not in {self.scheduled_from, self.scheduled_to}
            )
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

    def matches(self, guest: SandboxGuest) -> bool:
        """Say whether ``guest`` is asked for."""
        is_updated = _is_after(guest.updated, self.updated_after, inclusive=self.updated_inclusive)
        return is_updated and self.email_optin in {None, guest.email_optin}


def parse_reservation_filter(
    query: Mapping[str, str], choices: BehaviorSwitches
) -> ReservationFilter:
    """Read the filter of a reservation list; refused with 400 where a value cannot be read."""
    return ReservationFilter(
        updated_after=_parse_instant(query.get("updated_after")),
        updated_inclusive=choices.updated_after_inclusive,
        scheduled_from=_parse_local_time(query.get("scheduled_time_from"), ""),
        scheduled_to=_parse_local_time(query.get("scheduled_time_to"), "~"),
        window_inclusive=choices.window_inclusive,
        state=query.get("state"),
        confirmation_id=query.get("confirmation_id"),
        guest_key=query.get("guest_id"),
    )


def parse_guest_filter(query: Mapping[str, str], choices: BehaviorSwitches) -> GuestFilter:
    """Read the filter of a guest list; refused with 400 where a value cannot be read."""
    email_optin = query.get("email_optin")
    return GuestFilter(
        updated_after=_parse_instant(query.get("updated_after")),
        updated_inclusive=choices.updated_after_inclusive,
        email_optin=None if email_optin is None else email_optin == "true",
    )


def parse_number(
    query: Mapping[str, str], name: str, default: int | None = None, minimum: int = 0
) -> int:
    """Read a whole number of at least ``minimum``; refused with 400 where there is none."""
    text = query.get(name, "" if default is None else str(default))
    if not text.isdecimal() or int(text) < minimum:
        raise _invalid_parameter_error(name)
    return int(text)


def parse_page_limit(query: Mapping[str, str], choices: BehaviorSwitches) -> int:
    """Read the page size: 1000 by default, 2000 at most."""
    limit = parse_number(query, "limit", DEFAULT_PAGE_LIMIT, minimum=1)
    if limit > MAX_PAGE_LIMIT and choices.above_limit == "refuse":
        raise _invalid_parameter_error("limit")
    return min(limit, MAX_PAGE_LIMIT)


def _is_after(updated: datetime, bound: datetime | None, *, inclusive: bool) -> bool:
    return bound is None or updated > bound or (inclusive and updated == bound)


def _parse_instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid_parameter_error("updated_after") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _parse_local_time(text: str | None, default: str) -> str:
    # A zone or fraction behind the seconds is dropped: real clients send UTC here by mistake.
    if text is None:
        return default
    match = _LOCAL_TIME.match(text)
    if match is None:
        raise _invalid_parameter_error("scheduled_time")
    return match.group()


def _invalid_parameter_error(name: str) -> SandboxHttpError:
    return SandboxHttpError(400, "spring_message", message=f"Send a valid value for '{name}'.")
