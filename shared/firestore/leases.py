"""Leases: at most one run of a kind works on a restaurant at a time.

A lease is a field of the restaurant's settings document, next to the state of its kind of run. A
run that dies leaves it to expire.

A run may start without its lease and acquire it before its first change. A run without a change
then ends with a single write, its result. This write fails if another run has started since.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import (
    DELETE_FIELD,
    AsyncClient,
    AsyncDocumentReference,
    DocumentSnapshot,
)
from msgspec import Struct, field

from shared.concurrency import Deadline
from shared.domain.settings import parse_settings
from shared.domain.validation import read_map
from shared.errors import IntegrationDisabledError, InvalidSettingsError, RunInProgressError
from shared.firestore import paths
from shared.firestore.documents import (
    CONFLICT_ERRORS,
    read_document,
    translate_firestore_errors,
    update_if_unmodified,
    write_if_unmodified,
)

# How long a lease outlives the deadline of its run.
LEASE_MARGIN_SECONDS = 60.0
# No run lasts longer: a request of Cloud Run ends after an hour.
_MAX_LEASE_DURATION = timedelta(hours=2)


class PrefetchedSettings(Struct, frozen=True):
    """A settings document read by a listing of restaurants; a run may use it for a short time."""

    snapshot: DocumentSnapshot[Any]
    expiry: Deadline


class Lease(Struct):
    """The right to be the only run of its kind for a restaurant, until it expires.

    Attributes:
        kind: The field of the settings document that stores it: `poll`, `reconciliation` or
            `backfill`.
        owner: A random id of this run.
        document: The settings document at the start of the run, or at a later acquisition.
        update_time: Firestore's time of the document's last write known to this run.
        results: Dotted paths to write at the release, in addition to its argument.
    """

    restaurant_id: str
    kind: str
    owner: str
    reference: AsyncDocumentReference
    clock: Callable[[], datetime]
    duration: timedelta
    started_at: datetime
    document: Mapping[str, Any]
    update_time: Any
    results: dict[str, Any] = field(default_factory=dict)
    is_acquired: bool = False
    is_released: bool = False

    @property
    def state(self) -> Mapping[str, Any]:
        """The state that earlier runs of this kind stored."""
        return read_map(self.document, self.kind)

    async def ensure_acquired(self) -> None:
        """Acquire the lease unless this run has it.

        Raises:
            RunInProgressError: Another run has it, or has run since this one started, or the
                restaurant got another rid.
            IntegrationDisabledError: The integration was disabled.
        """
        if self.is_acquired:
            return
        expires_at = self.clock() + self.duration
        fields = {
            f"{self.kind}.lease": {"owner": self.owner, "expiresAt": expires_at},
            f"{self.kind}.lastStartedAt": self.started_at,
        }

        def compute(document: dict[str, Any] | None) -> Mapping[str, Any] | None:
            is_same_rid = (document or {}).get("restaurantId") == self.document.get("restaurantId")
            return fields if self._is_current(document) and is_same_rid else None

        with translate_firestore_errors():
            try:
                # An unmodified document needs no second read.
                self.update_time = await write_if_unmodified(
                    self.reference, fields, self.update_time
                )
            except CONFLICT_ERRORS:
                acquired = await update_if_unmodified(self.reference, compute)
                if acquired.document is None or acquired.changes is None:
                    raise RunInProgressError from None
                self.document, self.update_time = acquired.document, acquired.update_time
        self.is_acquired = True

    async def write(self, fields: Mapping[str, Any]) -> bool:
        """Write dotted paths of the settings document; return False if another run took over.

        Raises:
            IntegrationDisabledError: The integration was disabled before the lease was acquired.
        """

        def compute(document: dict[str, Any] | None) -> Mapping[str, Any] | None:
            return fields if self._is_current(document) else None

        return (await update_if_unmodified(self.reference, compute)).changes is not None

    async def release(self, results: Mapping[str, Any]) -> bool:
        """End the run: write its results, and delete its lease, in one commit.

        Returns False and writes nothing if another run took over.
        """
        self.is_released = True
        fields = {
            **self.results,
            **results,
            f"{self.kind}.lastStartedAt": self.started_at,
            f"{self.kind}.lease": DELETE_FIELD,
        }
        with translate_firestore_errors():
            try:
                # An unmodified document belongs to this run still: no need to read it first.
                await write_if_unmodified(self.reference, fields, self.update_time)
            except CONFLICT_ERRORS:
                return await self.write(fields)
        return True

    def _is_current(self, document: Mapping[str, Any] | None) -> bool:
        """Whether no other run has started since this one, according to the stored document."""
        if self.is_acquired:
            return _read_lease(document or {}, self.kind).get("owner") == self.owner
        _check_enabled(self.restaurant_id, document)
        current = document or {}
        started_at = read_map(current, self.kind).get("lastStartedAt")
        return started_at == self.state.get("lastStartedAt") and not _is_leased(
            current, self.kind, self.clock()
        )


def _read_lease(document: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return read_map(read_map(document, kind), "lease")


def _is_leased(document: Mapping[str, Any], kind: str, now: datetime) -> bool:
    expires_at = _read_lease(document, kind).get("expiresAt")
    # A lease damaged by hand blocks no run.
    return isinstance(expires_at, datetime) and now < expires_at < now + _MAX_LEASE_DURATION


def _check_enabled(restaurant_id: str, document: Mapping[str, Any] | None) -> None:
    if document is None:
        raise InvalidSettingsError("This restaurant has no OpenTable settings: add them.")
    if not parse_settings(restaurant_id, document).is_enabled:
        raise IntegrationDisabledError


@asynccontextmanager
async def prepare_lease(
    client: AsyncClient,
    clock: Callable[[], datetime],
    restaurant_id: str,
    kind: str,
    deadline: Deadline,
    prefetched: PrefetchedSettings | None = None,
) -> AsyncIterator[Lease]:
    """Yield the lease of a run, not acquired yet.

    Acquire it (`Lease.ensure_acquired`) before the first change. It outlives the deadline of the
    run by `LEASE_MARGIN_SECONDS` or more. The end of the block releases an acquired lease unless
    the block did so with its results. Prefetched settings save a read; on a conflict the settings
    are read again.

    Raises:
        RunInProgressError: Another run has the lease.
        IntegrationDisabledError: The integration is disabled; it may have been enabled when the run
            was planned.
        InvalidSettingsError: The restaurant has no settings.
    """
    settings = paths.integration_document(client, restaurant_id)
    if prefetched is not None and prefetched.expiry.remaining():
        snapshot = prefetched.snapshot
    else:
        snapshot = await read_document(settings)
    document = snapshot.to_dict()
    _check_enabled(restaurant_id, document)
    if document is None or _is_leased(document, kind, clock()):
        raise RunInProgressError
    lease = Lease(
        restaurant_id,
        kind,
        secrets.token_hex(8),
        settings,
        clock,
        timedelta(seconds=deadline.remaining() + LEASE_MARGIN_SECONDS),
        clock(),
        document,
        snapshot.update_time,
    )
    try:
        yield lease
    finally:
        if lease.is_acquired and not lease.is_released:
            await lease.release({})


@asynccontextmanager
async def acquire_lease(
    client: AsyncClient,
    clock: Callable[[], datetime],
    restaurant_id: str,
    kind: str,
    deadline: Deadline,
) -> AsyncIterator[Lease | None]:
    """Acquire a lease for the block, None if another run has it.

    See `prepare_lease` for the end of the block and for what it raises.
    """
    async with AsyncExitStack() as stack:
        acquired: Lease | None = None
        with suppress(RunInProgressError):
            lease = await stack.enter_async_context(
                prepare_lease(client, clock, restaurant_id, kind, deadline)
            )
            await lease.ensure_acquired()
            acquired = lease
        yield acquired
