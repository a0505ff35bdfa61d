"""A run's lease and its results, kept beside a restaurant's settings and never over them."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import (
    DELETE_FIELD,
    AsyncClient,
    AsyncDocumentReference,
    DocumentSnapshot,
)
from msgspec import Struct

from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.firestore import paths

_MAX_ATTEMPTS = 5
_RPC_TIMEOUT_SECONDS = 5.0


class Lease(Struct, frozen=True):
    """The right to be the only run of its kind for a restaurant, for a while.

    Attributes:
        restaurant_id: Whose.
        kind: The field that holds it, ``poll``, ``reconciliation`` or ``backfill``.
        owner: A random name of this run.
        document: The settings document as it was when the lease was taken.
        written_at: When that document was written, the lease in it, as Firestore wrote it.
    """

    restaurant_id: str
    kind: str
    owner: str
    document: Mapping[str, Any]
    written_at: Any

    @property
    def state(self) -> Mapping[str, Any]:
        """What earlier runs of this kind left behind."""
        return self.document.get(self.kind) or {}


class Leases:
    """Takes and ends leases.

    Args:
        client: The process's Firestore client.
        clock: The current time, UTC.
    """

    def __init__(self, client: AsyncClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock

    async def acquire(self, restaurant_id: str, kind: str, duration: timedelta) -> Lease | None:
        """Take a lease, or return None while another run holds it.

        Raises:
            InvalidSettingsError: When the restaurant has no settings.
            LedgerUnavailableError: When Firestore did not take it.
        """
        owner = secrets.token_hex(8)
        for _ in range(_MAX_ATTEMPTS):
            snapshot = await self._read(restaurant_id)
            document = snapshot.to_dict()
            if document is None:
                raise InvalidSettingsError("This restaurant has no OpenTable settings: add them.")
            current = (document.get(kind) or {}).get("lease")
            if current and current["expiresAt"] > self._clock():
                return None
            lease = {"owner": owner, "expiresAt": self._clock() + duration}
            fields = {f"{kind}.lease": lease}
            written_at = await self._update(snapshot.reference, fields, snapshot.update_time)
            if written_at is not None:
                return Lease(restaurant_id, kind, owner, document, written_at)
        raise ServiceUnavailableError("the settings kept changing while a lease was taken")

    async def write_progress(self, lease: Lease, results: Mapping[str, Any]) -> bool:
        """Write what a run has done so far, while it goes on; as `release`."""
        return await self._write(lease, results)

    async def release(self, lease: Lease, results: Mapping[str, Any]) -> bool:
        """Give a lease back and write its run's results in the same commit.

        Args:
            lease: A lease that was taken.
            results: Dotted paths of the settings document to values.

        Returns:
            Whether it was still held; a run that outlived its lease writes nothing.

        Raises:
            LedgerUnavailableError: When Firestore did not take it.
        """
        fields = {**results, f"{lease.kind}.lease": DELETE_FIELD}
        reference = paths.integration_document(self._client, lease.restaurant_id)
        # Where nobody wrote since, the lease is still held: no need to look.
        if await self._update(reference, fields, lease.written_at) is not None:
            return True
        return await self._write(lease, fields)

    async def _write(self, lease: Lease, fields: Mapping[str, Any]) -> bool:
        for _ in range(_MAX_ATTEMPTS):
            snapshot = await self._read(lease.restaurant_id)
            state = (snapshot.to_dict() or {}).get(lease.kind) or {}
            if (state.get("lease") or {}).get("owner") != lease.owner:
                return False
            if await self._update(snapshot.reference, fields, snapshot.update_time) is not None:
                return True
        raise ServiceUnavailableError("the settings kept changing while a run's state was written")

    async def _read(self, restaurant_id: str) -> DocumentSnapshot[Any]:
        reference = paths.integration_document(self._client, restaurant_id)
        try:
            return await reference.get(retry=None, timeout=_RPC_TIMEOUT_SECONDS)
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(type(error).__name__) from None

    async def _update(
        self, reference: AsyncDocumentReference, fields: Mapping[str, Any], last_update_time: Any
    ) -> Any:
        """Update unless the document moved, and return when; None where it moved.

        Whether an earlier try landed shows on reading.
        """
        option = self._client.write_option(last_update_time=last_update_time)
        try:
            written = await reference.update(
                dict(fields), option=option, retry=None, timeout=_RPC_TIMEOUT_SECONDS
            )
        except (google.FailedPrecondition, google.Conflict, google.NotFound):
            return None
        except google.GoogleAPIError as error:
            raise ServiceUnavailableError(type(error).__name__) from None
        return written.update_time
