"""One reservation's document and journal in memory, written exactly as a commit says.

The guests' store beside one reservation's ledger in memory, driven as the edge ring does it.
"""

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
    VersionConflict,
    decide,
)
from shared.domain.ledger.document import FlatDocument, ReservationIdentity, flatten_document
from shared.domain.ledger.events import Actor, Channel, ReservationEvent, Version
from shared.domain.ledger.guest_link import Guest
from shared.domain.ledger.journal import WriteContext
from shared.domain.ledger.merge import GUEST_LINKED_EVENT_TYPE, GuestRequired
from shared.domain.ledger.registers import reservation_state_from_document
from shared.domain.privacy import redact_journal_entry
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
    """Return a document flattened, without the times at which we wrote it."""
    flat = flatten_document(document or {})
    return {path: value for path, value in flat.items() if path not in WRITE_TIME_FIELDS}


@dataclass
class InMemoryLedger:
    """The store that the edge ring's ledger drives, as far as one reservation needs it."""

    document: dict[str, Any] | None = None
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    guests: GuestsByKey = field(default_factory=dict)
    write_context: WriteContext = _FIRST_WRITE_CONTEXT

    def read_stored(self, entry_ids: Iterable[str]) -> StoredReservation:
        """Return the document and these entries as they would be read."""
        return self._read(self.document, entry_ids, ())

    def decide(self, change: ReservationEvent, stored: StoredReservation) -> Decision:
        identity = replace(TEST_IDENTITY, external_key=change.external_key)
        return decide(change, stored, identity, self.write_context)

    def apply(
        self, change: ReservationEvent, mode: ReadMode = "entry"
    ) -> ReservationWrite | NoChange | VersionConflict:
        """Apply a change as the ledger does, having read nothing, the document, or the entry too.

        Having read nothing, it presumes that nothing is held; a commit that meets what it did
        not know of is refused whole and judged again by what is read then.
        """
        self.write_context = replace(
            self.write_context, now=self.write_context.now + timedelta(seconds=1)
        )
        document = None if mode == "nothing" else self.document
        stored = self._first_read(change, mode)
        entry_ids, guest_keys = {change.event_id}, set[str]()
        for _ in range(_MAX_READS):
            decision = self.decide(change, stored)
            if isinstance(decision, JournalEntryRequired):
                entry_ids.add(decision.entry_id)
            elif isinstance(decision, GuestRequired):
                guest_keys.add(decision.key)
            elif isinstance(decision, ReservationWrite) and self._violates_precondition(decision):
                document = self.document
            else:
                return self._write_if_commit(decision)
            stored = self._read(document, entry_ids, guest_keys)
        raise AssertionError(f"no decision in {_MAX_READS} readings")

    def _first_read(self, change: ReservationEvent, mode: ReadMode) -> StoredReservation:
        if mode == "nothing":
            return StoredReservation(None, {change.event_id: None})
        return self.read_stored([change.event_id] if mode == "entry" else [])

    def _read(
        self, document: dict[str, Any] | None, entry_ids: Iterable[str], guest_keys: Iterable[str]
    ) -> StoredReservation:
        return StoredReservation(
            copy.deepcopy(document),
            {entry_id: copy.deepcopy(self.entries.get(entry_id)) for entry_id in entry_ids},
            {key: self.guests.get(key) for key in guest_keys},
        )

    def _write_if_commit(
        self, decision: ReservationWrite | NoChange | VersionConflict
    ) -> ReservationWrite | NoChange | VersionConflict:
        if isinstance(decision, ReservationWrite):
            self._write(decision)
        return decision

    def _violates_precondition(self, commit: ReservationWrite) -> bool:
        return commit.entry_id in self.entries or commit.is_create is (self.document is not None)

    def _write(self, commit: ReservationWrite) -> None:
        """Create the document, or set the written paths alone; create the entry."""
        document = self.document or {}
        for path, value in copy.deepcopy(commit.changed_fields).items():
            name, dot, key = path.partition(".")
            if dot:
                document.setdefault(name, {})[key] = value
            else:
                document[name] = value
        self.document = document
        self.entries[commit.entry_id] = copy.deepcopy(commit.entry)


def apply_to_memory(
    events: Iterable[ReservationEvent], modes: Sequence[ReadMode], guests: GuestsByKey | None = None
) -> InMemoryLedger:
    """Return a ledger that heard it all, reading each time in the next of these ways."""
    ledger = InMemoryLedger(guests=guests or {})
    for change, mode in zip(events, cycle(modes)):
        ledger.apply(change, mode)
    return ledger


def ledger_with(*changes: ReservationEvent) -> InMemoryLedger:
    """Return a ledger that took each of these changes."""
    ledger = InMemoryLedger()
    for change in changes:
        assert isinstance(ledger.apply(change), ReservationWrite)
    return ledger


_numbers = count()


@dataclass
class InMemoryGuests:
    """A reservation and the guests that it names; OpenTable is asked for whom nobody told of."""

    opentable_guests: Mapping[str, Guest]
    stored: dict[str, Guest] = field(default_factory=dict)
    latest: dict[str, Guest] = field(default_factory=dict)
    ledger: InMemoryLedger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = InMemoryLedger(guests=self.stored)

    def apply(self, change: ReservationEvent, mode: ReadMode) -> None:
        """Apply a statement; a commit that finds a forgotten guest scrubs the journal.

        A guest who is shown may be fetched later; whoever is no longer shown is had by then.
        """
        state = reservation_state_from_document(
            flatten_without_write_times(self.ledger.document)
        ).merge(change)
        if state.guest_references.keys != {state.resolve_field("guestKey")}:
            self._fetch_all(state.guest_references.keys)
        decision = self.ledger.apply(change, mode)
        if isinstance(decision, ReservationWrite) and decision.forgotten_guest_keys:
            self._scrub_journal()

    def sync_guest(self, guest: Guest) -> None:
        """Keep a guest's record where it is held or the reservation names it, and join it.

        One of which nothing is held comes as it is by now, which is how OpenTable tells it.
        """
        latest = self.latest.get(guest.key, guest)
        self.latest[guest.key] = guest = guest if guest.supersedes(latest) else latest
        if guest.key not in self.stored and guest.key not in self._resolved_keys():
            return
        self._store(guest)
        self._fetch(guest.survivor_key)
        if guest.key in self._resolved_keys():
            self._link_guest()

    def fetch_missing_guest(self) -> None:
        """Ask for the guest whom the reservation names, where nothing is held of that guest."""
        state = reservation_state_from_document(flatten_without_write_times(self.ledger.document))
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

    def _resolved_keys(self) -> frozenset[str]:
        return reservation_state_from_document(
            flatten_without_write_times(self.ledger.document)
        ).guest_references.resolved_keys

    def _link_guest(self) -> None:
        event_id = f"guest-{next(_numbers)}"
        version = Version.from_timestamp(RELAY_RECEIVED_AT, event_id)
        event = ReservationEvent(
            KEY, event_id, GUEST_LINKED_EVENT_TYPE, Actor.LINEUP, version, {}, "{}", Channel.POLL
        )
        self.apply(event, "document")
        if reservation_state_from_document(
            flatten_without_write_times(self.ledger.document)
        ).guest_references.has_forgotten_guest:
            self._scrub_journal()

    def _scrub_journal(self) -> None:
        for entry in self.ledger.entries.values():
            entry.update(redact_journal_entry(entry))


def apply_all_with_guests(
    order: Iterable[GuestOrEvent],
    opentable_guests: Mapping[str, Guest],
    modes: Sequence[ReadMode],
    fetch_at_once: Sequence[bool],
) -> InMemoryGuests:
    """Return what is held once all was told, and a last poll has brought what lacked.

    Args:
        order: The statements as they arrive.
        opentable_guests: OpenTable's guests.
        modes: How the ledger reads, one after the other.
        fetch_at_once: Whether a missing guest is fetched at once, likewise.
    """
    guests = InMemoryGuests(opentable_guests)
    for statement, mode, at_once in zip(order, cycle(modes), cycle(fetch_at_once)):
        if isinstance(statement, Guest):
            guests.sync_guest(statement)
        else:
            guests.apply(statement, mode)
        if at_once:
            guests.fetch_missing_guest()
    guests.fetch_missing_guest()
    return guests
