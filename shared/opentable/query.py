"""Which rows of a listing to ask for.

Whose book is read at OpenTable, and with what right.
"""

from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Self

from msgspec import Struct

from shared.domain.webhook_auth.credentials import Credentials


class Resource(StrEnum):
    """What can be listed, by its name in the Sync API's paths."""

    RESERVATIONS = "reservations"
    GUESTS = "guests"


class LocalDateTime(Struct, frozen=True):
    """A time as the clock on the restaurant's wall shows it, which no zone goes with.

    OpenTable compares ``scheduled_time_from`` and ``scheduled_time_to`` with local times; an
    instant passed there shifts the window by the zone's offset. So there is no way to make one
    of these from an instant: only from a date and a time of day.

    Attributes:
        text: ``YYYY-MM-DDThh:mm:ss``.
    """

    text: str

    @classmethod
    def from_date(cls, day: date, at: time = time.min) -> Self:
        """Return a date's time of day, by default its first second.

        Raises:
            TypeError: When an instant was given for the date, or a time that has a zone.
        """
        if isinstance(day, datetime) or at.tzinfo is not None:
            raise TypeError("A wall time is made of a local date and a time without a zone.")
        return cls(f"{day.isoformat()}T{at.isoformat('seconds')}")

    @classmethod
    def end_of_day(cls, day: date) -> Self:
        """Return a date's last second, as both bounds are taken to be inclusive."""
        return cls.from_date(day, time(23, 59, 59))


class ListingQuery(Struct, frozen=True):
    """The filters of a listing; one that is None is not sent.

    Attributes:
        updated_after: Aware; compared with ``updated_at_utc``.
        scheduled_from: The first local time of a visit (reservations only).
        scheduled_to: The last one (reservations only).
    """

    updated_after: datetime | None = None
    scheduled_from: LocalDateTime | None = None
    scheduled_to: LocalDateTime | None = None

    def to_parameters(self) -> dict[str, str]:
        """Return the query's parameters under OpenTable's names.

        Raises:
            ValueError: When ``updated_after`` is naive.
        """
        bounds = {
            "updated_after": self.updated_after and _format_utc(self.updated_after),
            "scheduled_time_from": self.scheduled_from and self.scheduled_from.text,
            "scheduled_time_to": self.scheduled_to and self.scheduled_to.text,
        }
        return {name: text for name, text in bounds.items() if text}


def _format_utc(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("updated_after must be an aware time; give it its zone.")
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


class OpenTableAccess(Struct, frozen=True):
    """Whose book is read, and with what right.

    Attributes:
        rid: OpenTable's number for the restaurant, digits only.
        credentials: An API credential that OpenTable granted this restaurant to.
    """

    rid: str
    credentials: Credentials
