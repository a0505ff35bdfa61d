"""Apply events to the ledger: read, decide, commit, and again on a conflict.

Many events are read and committed in groups. A few groups are in progress at a time: while
Firestore works on one, another is decided.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from google.api_core import exceptions as google
from msgspec import Struct, field

from shared.concurrency import batched, gather_bounded, sleep_randomly
from shared.context import RestaurantContext
from shared.domain.ledger.decide import (
    Decision,
    JournalEntryRequired,
    ReservationWrite,
    StoredReservation,
    UnreadableDocument,
    VersionConflict,
    WriteContext,
    build_repeated_sequence_entry_id,
    decide,
    read_reservation_state,
)
from shared.domain.ledger.document import ReservationIdentity
from shared.domain.ledger.events import Actor, EventOutcome, ReservationEvent
from shared.domain.ledger.registers import GuestRequired, ReservationState
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.normalization.webhook_body import EnvelopeEventType
from shared.domain.validation import flatten_document
from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.firestore.documents import translate_firestore_errors
from shared.ledger.repository import ConditionalWrite, ReservationRepository, ReservationSnapshot

MAX_COMMIT_ATTEMPTS = 10
_INITIAL_PAUSE_SECONDS = 0.02
_MAX_PAUSE_SECONDS = 0.8
COMMIT_GROUP_SIZE = 100
_MAX_CONCURRENT_GROUPS = 4

_RETRYABLE_ERRORS = (
    google.Conflict,  # base class of AlreadyExists and Aborted
    google.FailedPrecondition,
    google.NotFound,
    google.ServerError,  # unavailable, deadline exceeded, internal, unknown
    google.TooManyRequests,
    google.Cancelled,
    google.RetryError,
)


class ReadSet(Struct):
    """What must be read besides a document to decide on an event."""

    entry_ids: set[str] = field(default_factory=set)
    guest_keys: set[str] = field(default_factory=set)

    def add_required(self, decision: Decision) -> bool:
        """Add what a decision requires; return False if it requires nothing new."""
        if isinstance(decision, JournalEntryRequired) and decision.entry_id not in self.entry_ids:
            self.entry_ids.add(decision.entry_id)
            return True
        if isinstance(decision, GuestRequired) and decision.key not in self.guest_keys:
            self.guest_keys.add(decision.key)
            return True
        return False


class ApplyResult(Struct, frozen=True):
    """What the ledger did with an event.

    Attributes:
        state: The reservation's state after the event.
        write: What was committed. None if nothing was, or if an earlier attempt of this writer had
            been committed although its response was lost.
    """

    event: ReservationEvent
    outcome: EventOutcome
    state: ReservationState
    write: ReservationWrite | None

    @property
    def lag_seconds(self) -> int | None:
        """How long after it happened a change reached the ledger; None if nothing changed."""
        if self.write is None or self.outcome not in {EventOutcome.CREATED, EventOutcome.UPDATED}:
            return None
        lag: timedelta = self.write.entry["receivedAt"] - self.write.entry["occurredAt"]
        return max(0, round(lag.total_seconds()))

    @property
    def missing_guest_key(self) -> str | None:
        """The key of the reservation's guest if the ledger has no record of the guest."""
        return self.state.missing_guest_key

    @property
    def guest_id(self) -> str:
        """The id of the reservation's guest as OpenTable writes it, or an empty string."""
        return self.state.find_opentable_id("guestId") or ""

    @property
    def needs_refetch(self) -> bool:
        """Whether to fetch OpenTable's row: a relay changed a reservation known to OpenTable."""
        has_opentable_version = self.state.get_registers(Actor.OPENTABLE).version is not None
        is_new = self.outcome is not EventOutcome.DUPLICATE
        return has_opentable_version and is_new and self.event.actor is Actor.RELAY


class Ledger:
    """The ledger of a restaurant's reservations that were made in one system.

    Raises:
        InvalidSettingsError: The settings have no usable time zone.
    """

    def __init__(
        self,
        restaurant: RestaurantContext,
        system: ReservationSystem = ReservationSystem.OPENTABLE,
    ) -> None:
        self.repository = ReservationRepository(restaurant.firestore, restaurant.id, system)
        self._system = system
        self._restaurant_id = restaurant.id
        self._zone = restaurant.settings.require_zone()
        self._context = restaurant.context

    async def apply(
        self, event: ReservationEvent, write_context: WriteContext | None = None
    ) -> ApplyResult:
        """Apply an event.

        A creation is committed without a read: one round trip, or three if another process wrote
        the reservation before. Other events take two: read, commit. Pass the `write_context` of
        an earlier commit that may have been applied.

        Raises:
            InvalidEventError: The event's id was used with other content, or Firestore cannot store
                it.
            ServiceUnavailableError: All attempts failed.
        """
        write_context = write_context or self.create_write_context()
        snapshot = self._assume_new(event)
        read_set = ReadSet({event.event_id})
        with translate_firestore_errors():
            for attempt in range(MAX_COMMIT_ATTEMPTS):
                if attempt:
                    max_pause = min(_MAX_PAUSE_SECONDS, _INITIAL_PAUSE_SECONDS * 2 ** (attempt - 1))
                    await sleep_randomly(max_pause)
                try:
                    if snapshot is None:
                        snapshot = await self._read(event, read_set)
                    return await self._apply_once(event, snapshot, write_context)
                except _RETRYABLE_ERRORS:
                    # A commit whose response was lost stored its entry under one of these two ids.
                    snapshot = None
                    read_set = ReadSet({event.event_id, build_repeated_sequence_entry_id(event)})
                # A retry cannot help: the event itself is too large or too deep.
                except google.InvalidArgument:
                    raise InvalidEventError(
                        "unstorable",
                        "Firestore rejects this event as too large or too deep. Ask its sender to"
                        " shorten it.",
                    ) from None
        raise ServiceUnavailableError(f"No commit in {MAX_COMMIT_ATTEMPTS} attempts. Try again.")

    def _assume_new(self, event: ReservationEvent) -> ReservationSnapshot | None:
        """Return an empty snapshot if a creation may skip the read, None if it may not.

        Its commit creates all documents, so it fails if the reservation exists after all.
        """
        recent_reservations = self._context.recent_reservations
        cache_key = (self._restaurant_id, event.external_key)
        is_created = event.event_type == EnvelopeEventType.CREATED
        is_new = is_created and cache_key not in recent_reservations
        # Noted before the commit: if the response is lost, the next event must read.
        recent_reservations[cache_key] = True
        unstored = StoredReservation(None, {event.event_id: None})
        return ReservationSnapshot(unstored, None) if is_new else None

    async def _apply_once(
        self, event: ReservationEvent, snapshot: ReservationSnapshot, write_context: WriteContext
    ) -> ApplyResult:
        for entry in snapshot.stored.journal_entries.values():
            if entry is not None and entry.get("attempt") == write_context.attempt_id:
                # This writer's earlier commit was applied although it seemed to fail.
                flat = flatten_document(snapshot.stored.document or {})
                state = read_reservation_state(flat, self._system)
                return ApplyResult(event, EventOutcome(entry["outcome"]), state, None)
        read_set = ReadSet(set(snapshot.stored.journal_entries))
        while True:
            decision = self.decide(event, snapshot.stored, write_context)
            # Most decisions need only the document; read the rest if this one asks for it.
            if not read_set.add_required(decision):
                break
            snapshot = await self._read(event, read_set, snapshot)
        result = build_apply_result(event, decision)
        if result.write is not None:
            await self.repository.commit(
                [ConditionalWrite(event.external_key, result.write, snapshot.update_time)]
            )
        return result

    async def _read(
        self,
        event: ReservationEvent,
        read_set: ReadSet,
        previous: ReservationSnapshot | None = None,
    ) -> ReservationSnapshot:
        key = event.external_key
        snapshots = await self.repository.read(
            {key: read_set.entry_ids}, read_set.guest_keys, {key: previous} if previous else {}
        )
        return snapshots[key]

    def create_write_context(self) -> WriteContext:
        """Return the time and a new attempt id for one commit."""
        retention = timedelta(days=self._context.environment.journal_retention_days)
        return WriteContext(self._context.clock(), secrets.token_hex(8), retention)

    def decide(
        self, event: ReservationEvent, stored: StoredReservation, write_context: WriteContext
    ) -> Decision:
        """Decide what an event changes (`shared.domain.ledger.decide`)."""
        return decide(event, stored, self.build_identity(event.external_key), write_context)

    def build_identity(self, external_key: str) -> ReservationIdentity:
        """Return the identity of a reservation of this ledger."""
        return ReservationIdentity(self._restaurant_id, external_key, self._zone, self._system)


def build_apply_result(event: ReservationEvent, decision: Decision) -> ApplyResult:
    """Return the result of a decision once its write is committed.

    Raises:
        InvalidEventError: The event's id was used with other content, or the stored document is
            damaged.
    """
    if isinstance(decision, ReservationWrite):
        return ApplyResult(event, decision.outcome, decision.state, decision)
    if isinstance(decision, VersionConflict):
        raise InvalidEventError(
            "conflicting_version" if event.actor is Actor.OPENTABLE else "conflicting_event",
            "An event with this id or version was applied before with other content.",
        )
    if isinstance(decision, UnreadableDocument):
        raise InvalidEventError(
            "unreadable_document",
            "The stored reservation is damaged. Correct or delete its document, then replay this.",
        )
    if isinstance(decision, JournalEntryRequired | GuestRequired):
        # Only possible if two documents changed between two reads; a retry may decide.
        raise ServiceUnavailableError("The reservation kept changing during a decision. Try again.")
    return ApplyResult(event, EventOutcome.DUPLICATE, decision.state, None)


BatchResult = ApplyResult | InvalidEventError | ServiceUnavailableError


async def apply_events(ledger: Ledger, events: Sequence[ReservationEvent]) -> list[BatchResult]:
    """Apply events in order; return a result or an error for each.

    One event that fails does not affect the others.
    """
    results: list[BatchResult] = []
    for distinct_events in _split_at_repeats(events):
        groups = batched(distinct_events, COMMIT_GROUP_SIZE)
        for group_results in await gather_bounded(
            _MAX_CONCURRENT_GROUPS, partial(_apply_group, ledger), groups
        ):
            results += group_results
    return results


def split_into_groups(events: Sequence[ReservationEvent]) -> Iterator[Sequence[ReservationEvent]]:
    """Yield groups for one commit each: a commit can write a reservation only once."""
    for distinct_events in _split_at_repeats(events):
        yield from batched(distinct_events, COMMIT_GROUP_SIZE)


def _split_at_repeats(events: Sequence[ReservationEvent]) -> Iterator[list[ReservationEvent]]:
    """Yield runs of events of distinct reservations, each as long as possible."""
    distinct_events: dict[str, ReservationEvent] = {}
    for event in events:
        if event.external_key in distinct_events:
            yield list(distinct_events.values())
            distinct_events = {}
        distinct_events[event.external_key] = event
    yield list(distinct_events.values())


async def _apply_group(ledger: Ledger, group: Sequence[ReservationEvent]) -> list[BatchResult]:
    write_context = ledger.create_write_context()
    decisions: dict[str, Decision] = {}
    try:
        snapshots, decisions = await decide_group(ledger, group, write_context)
        writes = [
            ConditionalWrite(key, decision, snapshots[key].update_time)
            for key, decision in decisions.items()
            if isinstance(decision, ReservationWrite)
        ]
        if writes:
            await ledger.repository.commit(writes)
    except google.GoogleAPIError:
        decisions = {}  # each event is applied on its own below
    results: list[BatchResult] = []
    for event in group:
        decision = decisions.get(event.external_key)
        try:
            if decision is None or isinstance(decision, JournalEntryRequired | GuestRequired):
                # The group's commit may have been applied: its attempt id shows that.
                results.append(await ledger.apply(event, write_context))
            else:
                results.append(build_apply_result(event, decision))
        except (InvalidEventError, ServiceUnavailableError) as error:
            results.append(error)
    return results


async def decide_group(
    ledger: Ledger, group: Sequence[ReservationEvent], write_context: WriteContext
) -> tuple[dict[str, ReservationSnapshot], dict[str, Decision]]:
    """Decide on events of distinct reservations; return snapshots and decisions by external key.

    Journal entries and guests are read only where a document does not suffice.
    """
    read_sets = {event.external_key: ReadSet() for event in group}
    snapshots: dict[str, ReservationSnapshot] = {}
    decisions: dict[str, Decision] = {}
    undecided = list(group)
    while undecided:
        snapshots |= await ledger.repository.read(
            {event.external_key: read_sets[event.external_key].entry_ids for event in undecided},
            {key for event in undecided for key in read_sets[event.external_key].guest_keys},
            snapshots,
        )
        for event in undecided:
            key = event.external_key
            decisions[key] = ledger.decide(event, snapshots[key].stored, write_context)
        undecided = [
            event
            for event in undecided
            if read_sets[event.external_key].add_required(decisions[event.external_key])
        ]
    return snapshots, decisions
