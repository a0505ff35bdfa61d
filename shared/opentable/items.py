"""Requests for single reservations and guests, where one item's failure must not end the run."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.concurrency import Deadline
from shared.errors import (
    OpenTableError,
    OpenTableItemNotRequestedError,
    OpenTableItemRejectedError,
    OpenTableUnavailableError,
)
from shared.opentable.query import OpenTableAccess, OpenTableRow, Resource

if TYPE_CHECKING:  # imports `requests`, which the webhook must not do at its start
    from shared.opentable.client import OpenTableClient

MAX_ITEM_SECONDS = 20.0
MAX_UNAVAILABLE_ITEMS = 8
_MIN_SECONDS = 0.5


class ItemReader:
    """Reads single items for one run and returns an item's failure instead of raising it."""

    def __init__(
        self, client: "OpenTableClient", access: OpenTableAccess, deadline: Deadline
    ) -> None:
        self._client = client
        self._access = access
        self._deadline = deadline
        self._unavailable_count = 0

    async def read(
        self, resource: Resource, spellings: Iterable[str]
    ) -> OpenTableRow | OpenTableError | None:
        """Return an item, None if OpenTable has none, or the error of this item alone.

        Tries each spelling of its id. Errors of the credential or the settings concern the whole
        run and are raised.
        """
        # One slow item may use half of the remaining time, so the run can always finish.
        seconds = min(MAX_ITEM_SECONDS, self._deadline.remaining() / 2)
        if seconds < _MIN_SECONDS or self._unavailable_count >= MAX_UNAVAILABLE_ITEMS:
            return OpenTableItemNotRequestedError(
                "Not requested: too many other requests failed or took too long. The next run "
                "requests it."
            )
        deadline = self._deadline.within(seconds)
        failure: OpenTableError | None = None
        for spelling in spellings:
            try:
                row = await self._client.fetch_row(resource, self._access, spelling, deadline)
            except OpenTableItemRejectedError as error:
                if error.status == HTTPStatus.UNAUTHORIZED:
                    raise
                failure = error
            except OpenTableUnavailableError as error:
                self._unavailable_count += 1
                return error
            else:
                if row is not None:
                    return row
        return failure
