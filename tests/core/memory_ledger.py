"""One reservation's document and journal in memory, written exactly as a commit says."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from typing import Any, Literal

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import ReservationEvent
from shared.core.decision import (
    Decision,
    JournalEntryRequired,
    NoChange,
    ReservationWrite,
    StoredReservation,
    VersionConflict,
    decide,
)
from shared.core.document import FlatDocument, ReservationIdentity, flatten_document
from shared.core.guest import Guest
from shared.core.guesting import GuestRequired
from shared.core.journal import WriteContext
from tests.strategies.envelopes import RELAY_RECEIVED_AT
from tests.strategies.objects import KEY, ZONE

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
