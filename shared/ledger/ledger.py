"""The one way into the ledger: read, decide, one commit; again on conflict, within bounds."""

import asyncio
import random
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from google.api_core import exceptions as google
from msgspec import Struct, field

from shared.context import AppContext
from shared.domain.ledger.decide import (
    Decision,
    EventOutcome,
    JournalEntryRequired,
    ReservationWrite,
    StoredReservation,
    VersionConflict,
    decide,
    read_reservation_state,
)
from shared.domain.ledger.document import ReservationIdentity, flatten_document
from shared.domain.ledger.events import Actor, ReservationEvent
from shared.domain.ledger.journal import WriteContext, build_later_entry_id
from shared.domain.ledger.merge import GuestRequired
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.envelope import EnvelopeEventType
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.firestore.raw_client import FirestoreClient
from shared.ledger.repository import (
    ConditionalWrite,
    RecentReservationCache,
    ReservationRepository,
    ReservationSnapshot,
)

MAX_COMMIT_ATTEMPTS = 10
_INITIAL_PAUSE_SECONDS = 0.02
_MAX_PAUSE_SECONDS = 0.8

_RETRYABLE_ERRORS = (
    google.Conflict,  # AlreadyExists and Aborted are its children
    google.FailedPrecondition,
    google.NotFound,
    google.ServerError,  # Unavailable, deadline exceeded, internal, unknown
    google.TooManyRequests,
    google.Cancelled,
    google.RetryError,
)


class ReadSet(Struct):
    """What must be read beside a document before it can be decided on.

    Attributes:
        entry_ids: Journal entries.
        guest_keys: Guests, a merged one's survivors among them.
    """

    entry_ids: set[str] = field(default_factory=set)
    guest_keys: set[str] = field(default_factory=set)

    def add_required(self, decision: Decision) -> bool:
        """Add what a decision asks for; False where it asks for nothing that was not read."""
        if isinstance(decision, JournalEntryRequired) and decision.entry_id not in self.entry_ids:
            self.entry_ids.add(decision.entry_id)
            return True
        if isinstance(decision, GuestRequired) and decision.key not in self.guest_keys:
            self.guest_keys.add(decision.key)
            return True
        return False


class ApplyResult(Struct, frozen=True):
    """What the ledger did with a change.

    Attributes:
        event: The change.
        outcome: What became of it.
        state: All that is now held about the reservation.
        write: What was written; None where nothing was, or where an earlier try of this very
            writer turned out to have landed.
    """

    event: ReservationEvent
    outcome: EventOutcome
    state: ReservationState
    write: ReservationWrite | None

    @property
    def missing_guest_key(self) -> str | None:
        """The key of the guest that the reservation names and nothing is held of."""
        guest_key = self.state.resolve_field("guestKey")
        return guest_key if isinstance(guest_key, str) and self.state.linked_guest is None else None

    @property
    def guest_id(self) -> str:
        """The id of the guest that the reservation names, as OpenTable wrote it."""
        return str(self.state.resolve_field("guestId") or "")

    @property
    def needs_refetch(self) -> bool:
        """Whether OpenTable's own row should be fetched: a relay spoke where OpenTable had."""
        has_opentable_version = self.state.get_registers(Actor.OPENTABLE).version is not None
        is_new = self.outcome is not EventOutcome.DUPLICATE
        return has_opentable_version and is_new and self.event.actor is Actor.RELAY


class Ledger:
    """A restaurant's ledger.

    Args:
        client: The process's Firestore client.
        settings: The restaurant's settings, which must be usable.
        clock: The current time, UTC.
        journal_retention: How long after its start a reservation's journal is kept.
        recent_reservations: The reservations that the process met lately.
        system: Where the reservations that it speaks of were made; keys of Lineup's own are
            their document ids.

    Raises:
        InvalidSettingsError: When the settings are not usable.
    """

    def __init__(  # noqa: PLR0913 -- each is a different thing, and one call site
        self,
        client: FirestoreClient,
        settings: IntegrationSettings,
        clock: Callable[[], datetime],
        journal_retention: timedelta,
        *,
        recent_reservations: RecentReservationCache,
        system: ReservationSystem = ReservationSystem.OPENTABLE,
    ) -> None:
        self.repository = ReservationRepository(client, settings.restaurant_id, system)
        self._system = system
        self._restaurant_id = settings.restaurant_id
        self._zone = settings.require_zone()
        self._clock = clock
        self._journal_retention = journal_retention
        self._recent_reservations = recent_reservations

    def new_write_context(self) -> WriteContext:
        """Return the times and the name of one writer's try."""
        return WriteContext(self._clock(), secrets.token_hex(8), self._journal_retention)

    async def apply(
        self, event: ReservationEvent, write_context: WriteContext | None = None
    ) -> ApplyResult:
        """Apply one change: a creation in one round trip, all else in two.

        A creation that meets what another process wrote takes three: see the decision on
        preconditions.

        Args:
            event: What was said.
            write_context: The try that this continues, where a larger commit failed before.

        Raises:
            RejectedStatementError: When the same event said something else before, or when
                Firestore cannot store it.
            LedgerUnavailableError: When no commit was possible within the attempts.
        """
        write_context = write_context or self.new_write_context()
        snapshot, entry_ids = self._presume_new(event), {event.event_id}
        self._recent_reservations.add(self._restaurant_id, event.external_key)
        for pause_seconds in _generate_pauses():
            await asyncio.sleep(pause_seconds)
            try:
                return await self._apply_once(
                    event, snapshot or await self._read_snapshot(event, entry_ids), write_context
                )
            except _RETRYABLE_ERRORS:
                # What this try wrote, unseen, may stand under either id: look for both.
                snapshot, entry_ids = None, {event.event_id, build_later_entry_id(event)}
            except google.InvalidArgument:
                raise InvalidEventError(
                    "unstorable",
                    "Firestore cannot store this statement; see its documented limits.",
                ) from None
            except google.GoogleAPIError as error:
                raise ServiceUnavailableError(type(error).__name__) from None
        raise ServiceUnavailableError(f"no commit in {MAX_COMMIT_ATTEMPTS} attempts")

    def _presume_new(self, event: ReservationEvent) -> ReservationSnapshot | None:
        """Spare a creation the read: its commit of creates fails where anything is held."""
        is_recent = self._recent_reservations.contains(self._restaurant_id, event.external_key)
        if is_recent or event.event_type != EnvelopeEventType.CREATED:
            return None
        return ReservationSnapshot(StoredReservation(None, {event.event_id: None}), None)

    async def _apply_once(
        self, event: ReservationEvent, snapshot: ReservationSnapshot, write_context: WriteContext
    ) -> ApplyResult:
        landed = self._find_landed_commit(event, snapshot.stored, write_context)
        if landed is not None:
            return landed
        decision = self.decide(event, snapshot.stored, write_context)
        read_set = ReadSet(set(snapshot.stored.journal_entries))
        while read_set.add_required(decision):
            snapshot = await self._extend_snapshot(event, read_set, snapshot)
            decision = self.decide(event, snapshot.stored, write_context)
        applied = build_apply_result(event, decision)
        if applied.write is not None:
            await self.repository.commit(
                [ConditionalWrite(event.external_key, applied.write, snapshot.update_time)]
            )
        return applied

    def _find_landed_commit(
        self, event: ReservationEvent, stored: StoredReservation, write_context: WriteContext
    ) -> ApplyResult | None:
        """Return what this writer's own earlier try did, where its commit had landed unseen."""
        for entry in stored.journal_entries.values():
            if entry is not None and entry["attempt"] == write_context.attempt_id:
                state = read_reservation_state(
                    flatten_document(stored.document or {}), self._system
                )
                return ApplyResult(event, EventOutcome(entry["outcome"]), state, None)
        return None

    async def _read_snapshot(
        self, event: ReservationEvent, entry_ids: Iterable[str]
    ) -> ReservationSnapshot:
        key = event.external_key
        return (await self.repository.read({key: entry_ids}))[key]

    async def _extend_snapshot(
        self, event: ReservationEvent, read_set: ReadSet, previous: ReservationSnapshot
    ) -> ReservationSnapshot:
        key = event.external_key
        snapshots = await self.repository.read(
            {key: read_set.entry_ids}, read_set.guest_keys, {key: previous}
        )
        return snapshots[key]

    def decide(
        self, event: ReservationEvent, stored: StoredReservation, write_context: WriteContext
    ) -> Decision:
        """Judge a change against what is held (see `shared.domain.ledger.decide`)."""
        return decide(event, stored, self.build_identity(event.external_key), write_context)

    def build_identity(self, external_key: str) -> ReservationIdentity:
        """Return whose reservation a document of this ledger is."""
        return ReservationIdentity(self._restaurant_id, external_key, self._zone, self._system)


def build_apply_result(event: ReservationEvent, decision: Decision) -> ApplyResult:
    """Return what a decision amounts to.

    Raises:
        RejectedStatementError: When the same event said something else before.
    """
    if isinstance(decision, ReservationWrite):
        return ApplyResult(event, decision.outcome, decision.state, decision)
    if isinstance(decision, VersionConflict):
        raise InvalidEventError(
            "conflicting_version" if event.actor is Actor.OPENTABLE else "conflicting_event",
            "The same event was taken before and said something else.",
        )
    if isinstance(decision, JournalEntryRequired | GuestRequired):
        raise ServiceUnavailableError("what was read does not suffice to decide")
    return ApplyResult(event, EventOutcome.DUPLICATE, decision.state, None)


def _generate_pauses() -> Iterator[float]:
    """Yield the pause before each attempt: none, then growing ones with full jitter."""
    yield 0.0
    for attempt in range(MAX_COMMIT_ATTEMPTS - 1):
        max_seconds = min(_MAX_PAUSE_SECONDS, _INITIAL_PAUSE_SECONDS * 2**attempt)
        yield random.uniform(0, max_seconds)  # noqa: S311 -- jitter, not a secret


def open_ledger(
    context: AppContext,
    settings: IntegrationSettings,
    system: ReservationSystem = ReservationSystem.OPENTABLE,
) -> Ledger:
    """Return the ledger of a restaurant's reservations made in one system.

    Raises:
        InvalidSettingsError: When the settings are not usable.
    """
    return Ledger(
        context.firestore,
        settings,
        context.clock,
        timedelta(days=context.environment.journal_retention_days),
        recent_reservations=context.recent_reservations,
        system=system,
    )
