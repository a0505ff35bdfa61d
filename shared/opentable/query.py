"""Filters for a listing, and the credentials to request it with.

The webhook imports this module at startup, so it must not import `requests`.
"""

from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, Self

from msgspec import Struct

from shared.domain.webhook_auth.credentials import Credentials

OpenTableRow = dict[str, Any]
"""A reservation or guest as OpenTable sent it: parsed from JSON, not validated."""


class Resource(StrEnum):
    """A kind of row, spelled as in the Sync API's paths."""

    RESERVATIONS = "reservations"
    GUESTS = "guests"


class LocalDateTime(Struct, frozen=True):
    """A time on the restaurant's own clock, without a zone (``YYYY-MM-DDThh:mm:ss``).

    OpenTable compares ``scheduled_time_from`` and ``scheduled_time_to`` with local times. A UTC
    time there would shift the window by the zone's offset, so no constructor accepts one.
    """

    text: str

    @classmethod
    def from_date(cls, day: date, at: time = time.min) -> Self:
        """Return a time of day on a local date, midnight by default."""
        # `datetime` is a subclass of `date`, so mypy accepts a UTC time here.
        if isinstance(day, datetime) or at.tzinfo is not None:
            raise TypeError("Pass a local date and a time without a zone.")
        return cls(f"{day.isoformat()}T{at.isoformat('seconds')}")

    @classmethod
    def end_of_day(cls, day: date) -> Self:
        """Return a date's last second; OpenTable's bounds are assumed to be inclusive."""
        return cls.from_date(day, time(23, 59, 59))


class ListingQuery(Struct, frozen=True):
    """The filters of a listing; None is not sent.

    ``updated_after`` is aware and applies to ``updated_at_utc``. The other two apply to the
    scheduled time of reservations.
    """

    updated_after: datetime | None = None
    scheduled_from: LocalDateTime | None = None
    scheduled_to: LocalDateTime | None = None

    def to_parameters(self) -> dict[str, str]:
        """Return the query parameters under OpenTable's names."""
        parameters = {}
        if self.updated_after:
            if self.updated_after.tzinfo is None:
                raise ValueError("updated_after must be aware: pass a datetime with a zone.")
            utc = self.updated_after.astimezone(UTC).replace(tzinfo=None)
            parameters["updated_after"] = f"{utc.isoformat(timespec='milliseconds')}Z"
        if self.scheduled_from:
            parameters["scheduled_time_from"] = self.scheduled_from.text
        if self.scheduled_to:
            parameters["scheduled_time_to"] = self.scheduled_to.text
        return parameters


class OpenTableAccess(Struct, frozen=True):
    """A restaurant's number at OpenTable (digits only) and a credential with access to it."""

    rid: str
    credentials: Credentials
