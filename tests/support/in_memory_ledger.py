"""A reservation's document, journal and guests in memory, written as commits describe."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, cycle
from typing import Any, Literal

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.ledger.decide import (
    Decision,
    JournalEntryRequired,
    NoChange,
    ReservationWrite,
    StoredReservation,
    UnreadableDocument,
    VersionConflict,
    WriteContext,
    decide,
)
from shared.domain.ledger.document import (
    FlatDocument,
    ReservationIdentity,
    reservation_state_from_document,
)
from shared.domain.ledger.events import (
    GUEST_LINKED_EVENT_TYPE,
    Actor,
    Channel,
    ReservationEvent,
    Version,
)
from shared.domain.ledger.guest_link import Guest
from shared.domain.ledger.registers import GuestRequired, ReservationState
from shared.domain.privacy import redact_journal_entry
from shared.domain.validation import flatten_document
from tests.strategies.events import KEY, RELAY_RECEIVED_AT, ZONE
from tests.strategies.guests import GuestOrEvent

TEST_IDENTITY = ReservationIdentity("restaurant-123", KEY, ZONE)
WRITE_TIME_FIELDS = {"createdAt", "updatedAt", "reconciliation.lastReconciledAt"}
GuestsByKey = Mapping[str, Guest]
ReadMode = Literal["nothing", "document", "entry"]
read_modes: st.SearchStrategy[ReadMode] = st.sampled_from(["nothing", "document", "entry"])
read_mode_lists = st.lists(read_modes, min_size=1, max_size=5)
_MAX_READS = 6
_FIRST_WRITE_CONTEXT = WriteContext(RELAY_RECEIVED_AT, "attempt", timedelta(days=400))


def flatten_without_write_times(document: dict[str, Any] | None) -> FlatDocument:
    flat = flatten_document(document or {})
    return {path: value for path, value in flat.items() if path not in WRITE_TIME_FIELDS}


def flatten_without_spellings(document: dict[str, Any] | None) -> FlatDocument:
    """Return a document without the id of the first spelling, which only serves requests."""
    flat = flatten_without_write_times(document)
    registers = flat.get("sync.opentable")
    if registers:
        values = registers["values"]
        kept = {name: value for name, value in values.items() if not name.endswith("Spelling")}
        flat["sync.opentable"] = {
            **registers,
            "values": kept,
            "olderVersions": {
                name: version
                for name, version in registers["olderVersions"].items()
                if name in kept
            },
        }
    return flat


@dataclass
class InMemoryLedger:
    """An in-memory ledger of one reservation."""

    document: dict[str, Any] | None = None
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    guests: GuestsByKey = field(default_factory=dict)
    write_context: WriteContext = _FIRST_WRITE_CONTEXT

    @property
    def state(self) -> ReservationState:
        return reservation_state_from_document(flatten_document(self.document or {}))

    def read_stored(self, entry_ids: Iterable[str]) -> StoredReservation:
        """Return the document and these journal entries, as read from Firestore."""
        return self._read(self.document, entry_ids, ())

    def decide(self, event: ReservationEvent, stored: StoredReservation) -> Decision:
        identity = replace(TEST_IDENTITY, external_key=event.external_key)
        return decide(event, stored, identity, self.write_context)

    def apply(
        self, event: ReservationEvent, mode: ReadMode = "entry"
    ) -> ReservationWrite | NoChange | VersionConflict | UnreadableDocument:
        """Apply an event after reading nothing, the document, or its journal entry too.

        After reading nothing, the ledger presumes that nothing is stored. A violated precondition
        fails the commit; then the event is decided on again.
        """
        self.write_context = replace(
            self.write_context, now=self.write_context.now + timedelta(seconds=1)
        )
        document = None if mode == "nothing" else self.document
        if mode == "nothing":
            stored = StoredReservation(None, {event.event_id: None})
        else:
            stored = self.read_stored([event.event_id] if mode == "entry" else [])
        entry_ids, guest_keys = {event.event_id}, set[str]()
        for _ in range(_MAX_READS):
            decision = self.decide(event, stored)
            if isinstance(decision, JournalEntryRequired):
                entry_ids.add(decision.entry_id)
            elif isinstance(decision, GuestRequired):
                guest_keys.add(decision.key)
            elif isinstance(decision, ReservationWrite) and self._violates_precondition(decision):
                document = self.document
            else:
                if isinstance(decision, ReservationWrite):
                    self._commit(decision)
                return decision
            stored = self._read(document, entry_ids, guest_keys)
        raise AssertionError(f"no decision after {_MAX_READS} reads")

    def _read(
        self, document: dict[str, Any] | None, entry_ids: Iterable[str], guest_keys: Iterable[str]
    ) -> StoredReservation:
        return StoredReservation(
            copy.deepcopy(document),
            {entry_id: copy.deepcopy(self.entries.get(entry_id)) for entry_id in entry_ids},
            {key: self.guests.get(key) for key in guest_keys},
        )

    def _violates_precondition(self, write: ReservationWrite) -> bool:
        return write.entry_id in self.entries or write.is_create is (self.document is not None)

    def _commit(self, write: ReservationWrite) -> None:
        """Set only the written paths, and create the journal entry."""
        document = self.document or {}
        for path, value in copy.deepcopy(write.changed_fields).items():
            name, dot, key = path.partition(".")
            if dot:
                document.setdefault(name, {})[key] = value
            else:
                document[name] = value
        self.document = document
        self.entries[write.entry_id] = copy.deepcopy(write.entry)


def apply_to_memory(
    events: Iterable[ReservationEvent], modes: Sequence[ReadMode], guests: GuestsByKey | None = None
) -> InMemoryLedger:
    """Return a ledger after all events, with one read mode per event."""
    ledger = InMemoryLedger(guests=guests or {})
    for event, mode in zip(events, cycle(modes)):
        ledger.apply(event, mode)
    return ledger


def ledger_with(*events: ReservationEvent) -> InMemoryLedger:
    """Return a ledger after these events."""
    ledger = InMemoryLedger()
    for event in events:
        assert isinstance(ledger.apply(event), ReservationWrite)
    return ledger


_numbers = count()


@dataclass
class InMemoryGuests:
    """A reservation and its guests in memory; missing guests are fetched from OpenTable."""

    opentable_guests: Mapping[str, Guest]
    stored: dict[str, Guest] = field(default_factory=dict)
    latest: dict[str, Guest] = field(default_factory=dict)
    ledger: InMemoryLedger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = InMemoryLedger(guests=self.stored)

    def apply(self, event: ReservationEvent, mode: ReadMode) -> None:
        """Apply an event; a commit that finds a forgotten guest redacts the journal.

        The shown guest can be fetched later. A guest that is no longer shown was fetched by then.
        """
        state = self.ledger.state.merge_event(event)
        if state.guest_references.keys != {state.resolve_field("guestKey")}:
            self._fetch_all(state.guest_references.keys)
        decision = self.ledger.apply(event, mode)
        if isinstance(decision, ReservationWrite) and decision.forgotten_guest_keys:
            self._redact_journal()

    def sync_guest(self, guest: Guest) -> None:
        """Store a guest's record if it is stored or referenced, and link it."""
        # OpenTable sends a guest that is not stored yet in its current version.
        latest = self.latest.get(guest.key, guest)
        self.latest[guest.key] = guest = guest if guest.supersedes(latest) else latest
        resolved_keys = self.ledger.state.guest_references.resolved_keys
        if guest.key not in self.stored and guest.key not in resolved_keys:
            return
        self._store(guest)
        self._fetch(guest.survivor_key)
        if guest.key in resolved_keys:
            self._link_guest()

    def fetch_missing_guest(self) -> None:
        """Fetch the referenced guest if it is not stored."""
        state = self.ledger.state
        guest_key = state.resolve_field("guestKey")
        if isinstance(guest_key, str) and state.linked_guest is None:
            self._fetch(guest_key)
            self._link_guest()

    def _fetch_all(self, keys: frozenset[str]) -> None:
        missing = sorted(keys - self.stored.keys())
        for key in missing:
            self._fetch(key)
        if missing and self.ledger.document is not None:
            self._link_guest()

    def _fetch(self, key: str | None) -> None:
        while key is not None and key not in self.stored:
            self._store(self.opentable_guests.get(key, Guest(key)))
            key = self.stored[key].survivor_key

    def _store(self, guest: Guest) -> None:
        if guest.key not in self.stored or guest.supersedes(self.stored[guest.key]):
            self.stored[guest.key] = guest

    def _link_guest(self) -> None:
        event_id = f"guest-{next(_numbers)}"
        version = Version.from_timestamp(RELAY_RECEIVED_AT, event_id)
        event = ReservationEvent(
            KEY, event_id, GUEST_LINKED_EVENT_TYPE, Actor.LINEUP, version, {}, "{}", Channel.POLL
        )
        self.apply(event, "document")
        if self.ledger.state.guest_references.has_forgotten_guest:
            self._redact_journal()

    def _redact_journal(self) -> None:
        for entry in self.ledger.entries.values():
            entry.update(redact_journal_entry(entry))


def apply_all_with_guests(
    order: Iterable[GuestOrEvent],
    opentable_guests: Mapping[str, Guest],
    modes: Sequence[ReadMode],
    fetch_at_once: Sequence[bool],
) -> InMemoryGuests:
    """Return the state after all events and a final poll for missing guests.

    Args:
        order: The events in order of arrival.
        modes: The read mode of each event.
        fetch_at_once: Fetch a missing guest directly after each event.
    """
    guests = InMemoryGuests(opentable_guests)
    for item, mode, is_fetched in zip(order, cycle(modes), cycle(fetch_at_once)):
        if isinstance(item, Guest):
            guests.sync_guest(item)
        else:
            guests.apply(item, mode)
        if is_fetched:
            guests.fetch_missing_guest()
    guests.fetch_missing_guest()
    return guests
