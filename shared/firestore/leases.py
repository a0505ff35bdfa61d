"""Leases: at most one run of a kind works on a restaurant at a time.

A lease is a field of the restaurant's settings document, next to the state of its kind of run. A
run that dies leaves it to expire.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import DELETE_FIELD, AsyncClient, AsyncDocumentReference
from msgspec import Struct

from shared.domain.polling import read_run_state
from shared.domain.settings import parse_settings
from shared.errors import IntegrationDisabledError, InvalidSettingsError
from shared.firestore import paths
from shared.firestore.documents import (
    CONFLICT_ERRORS,
    translate_firestore_errors,
    update_if_unmodified,
    write_if_unmodified,
)

# How long a lease outlives the deadline of its run.
LEASE_MARGIN_SECONDS = 60.0


class Lease(Struct):
    """The right to be the only run of its kind for a restaurant, until it expires.

    Attributes:
        kind: The field of the settings document that stores it: `poll`, `reconciliation` or
            `backfill`.
        owner: A random id of this run.
        document: The settings document at the time of acquisition.
        update_time: Firestore's time of the acquisition.
    """

    restaurant_id: str
    kind: str
    owner: str
    reference: AsyncDocumentReference
    document: Mapping[str, Any]
    update_time: Any
    is_released: bool = False

    @property
    def state(self) -> Mapping[str, Any]:
        """The state that earlier runs of this kind stored."""
        return read_run_state(self.document, self.kind)

    async def write(self, fields: Mapping[str, Any]) -> bool:
        """Write dotted paths of the settings document; return False if the lease was lost."""

        def compute(document: dict[str, Any] | None) -> Mapping[str, Any] | None:
            current = _read_lease(document or {}, self.kind)
            return fields if current.get("owner") == self.owner else None

        return (await update_if_unmodified(self.reference, compute)).changes is not None

    async def release(self, results: Mapping[str, Any]) -> bool:
        """End the lease and write the results of its run in the same commit.

        Returns False and writes nothing if the lease expired and another run took it.
        """
        self.is_released = True
        fields = {**results, f"{self.kind}.lease": DELETE_FIELD}
        with translate_firestore_errors():
            try:
                # An unmodified document still holds the lease: no need to read it first.
                await write_if_unmodified(self.reference, fields, self.update_time)
            except CONFLICT_ERRORS:
                return await self.write(fields)
        return True


def _read_lease(document: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    lease = read_run_state(document, kind).get("lease")
    return lease if isinstance(lease, Mapping) else {}


@asynccontextmanager
async def acquire_lease(
    client: AsyncClient,
    clock: Callable[[], datetime],
    restaurant_id: str,
    kind: str,
    duration: timedelta,
) -> AsyncIterator[Lease | None]:
    """Acquire a lease for the block, None if another run has it.

    The end of the block releases the lease unless the block did so with its results.

    Raises:
        IntegrationDisabledError: The integration is disabled; it may have been enabled when the run
            was planned.
        InvalidSettingsError: The restaurant has no settings.
    """
    reference = paths.integration_document(client, restaurant_id)
    owner = secrets.token_hex(8)

    def compute(document: dict[str, Any] | None) -> dict[str, Any] | None:
        if document is None:
            raise InvalidSettingsError("This restaurant has no OpenTable settings: add them.")
        if not parse_settings(restaurant_id, document).is_enabled:
            raise IntegrationDisabledError
        expires_at = _read_lease(document, kind).get("expiresAt")
        # A lease damaged by hand blocks no run.
        if isinstance(expires_at, datetime) and expires_at > clock():
            return None
        return {
            f"{kind}.lease": {"owner": owner, "expiresAt": clock() + duration},
            f"{kind}.lastStartedAt": clock(),
        }

    acquired = await update_if_unmodified(reference, compute)
    if acquired.document is None or acquired.changes is None:
        yield None
        return
    lease = Lease(restaurant_id, kind, owner, reference, acquired.document, acquired.update_time)
    try:
        yield lease
    finally:
        if not lease.is_released:
            await lease.release({})
