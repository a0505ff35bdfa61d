"""Requests to OpenTable: the filters of a listing, and single rows by id within one run.

The webhook imports this module at startup, so it must not import `requests`.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, time
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from shared.concurrency import Deadline
from shared.domain.webhook_auth import Credentials
from shared.errors import (
    OpenTableError,
    OpenTableItemNotRequestedError,
    OpenTableItemRejectedError,
    OpenTableUnavailableError,
)

if TYPE_CHECKING:  # imports `requests`, see above
    from shared.opentable.client import OpenTableClient

MAX_ITEM_SECONDS = 20.0
MAX_UNAVAILABLE_ITEMS = 8
_MIN_SECONDS = 0.5

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


class RowPage(Struct, frozen=True):
    """The new rows of one page.

    Rows that an earlier page of the same listing had in the same version are left out.
    ``malformed_items`` are items other than JSON objects.
    """

    rows: tuple[OpenTableRow, ...]
    malformed_items: tuple[object, ...]


class ItemReader:
    """Reads single reservations or guests for one run; returns the failure of one, not raised."""

    def __init__(
        self, client: "OpenTableClient", access: OpenTableAccess, deadline: Deadline
    ) -> None:
        self._client = client
        self._access = access
        self._deadline = deadline
        self._unavailable_count = 0
        self._credential_check: asyncio.Task[int] | None = None

    async def read(
        self, resource: Resource, open_table_id: str
    ) -> OpenTableRow | OpenTableError | None:
        """Return a row, None if OpenTable has none, or the error that concerns only this row.

        Errors of the credential or the settings concern the whole run and are raised.
        """
        # One slow item may use half of the remaining time, so the run can always finish.
        seconds = min(MAX_ITEM_SECONDS, self._deadline.remaining() / 2)
        if seconds < _MIN_SECONDS or self._unavailable_count >= MAX_UNAVAILABLE_ITEMS:
            return OpenTableItemNotRequestedError(
                "Not requested: too many other requests failed or took too long. The next run "
                "requests it."
            )
        deadline = self._deadline.within(seconds)
        try:
            return await self._client.fetch_row(self._access, resource, open_table_id, deadline)
        except OpenTableItemRejectedError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                with suppress(OpenTableUnavailableError):
                    await self._check_credential()
            return error
        except OpenTableUnavailableError as error:
            self._unavailable_count += 1
            return error

    async def _check_credential(self) -> None:
        """Request a listing; raise its error if OpenTable refuses the credential for it too.

        The run requests it once for all rows.
        """
        if self._credential_check is None:
            self._credential_check = asyncio.create_task(
                self._client.probe_listing(self._access, self._deadline.within(MAX_ITEM_SECONDS))
            )
        await asyncio.shield(self._credential_check)
