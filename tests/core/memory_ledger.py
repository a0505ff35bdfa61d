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
from tests.strategies.envelopes import RECEIVED
from tests.strategies.objects import KEY, ZONE

IDENTITY = ReservationIdentity("restaurant-123", KEY, ZONE)
TIMES_OF_WRITING = {"createdAt", "updatedAt", "reconciliation.lastReconciledAt"}

Guests = Mapping[str, Guest]
Reading = Literal["nothing", "document", "entry"]
readings: st.SearchStrategy[Reading] = st.sampled_from(["nothing", "document", "entry"])
ways_of_reading = st.lists(readings, min_size=1, max_size=5)

_MOST_READINGS = 6
_FIRST_WRITING = WriteContext(RECEIVED, "attempt", timedelta(days=400))


def apart_from_times(document: dict[str, Any] | None) -> FlatDocument:
    """Return a document flattened, without the times at which we wrote it."""
    flat = flatten_document(document or {})
    return {path: value for path, value in flat.items() if path not in TIMES_OF_WRITING}


@dataclass
class MemoryLedger:
    """The store that the edge ring's ledger drives, as far as one reservation needs it."""

    document: dict[str, Any] | None = None
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    guests: Guests = field(default_factory=dict)
    writing: WriteContext = _FIRST_WRITING

    def held(self, entry_ids: Iterable[str]) -> StoredReservation:
        """Return the document and these entries as they would be read."""
        return self._read(self.document, entry_ids, ())

    def judge(self, change: ReservationEvent, held: StoredReservation) -> Decision:
        identity = replace(IDENTITY, external_key=change.external_key)
        return decide(change, held, identity, self.writing)

    def hear(
        self, change: ReservationEvent, reading: Reading = "entry"
    ) -> ReservationWrite | NoChange | VersionConflict:
        """Apply a change as the ledger does, having read nothing, the document, or the entry too.

        Having read nothing, it presumes that nothing is held; a commit that meets what it did
        not know of is refused whole and judged again by what is read then.
        """
        self.writing = replace(self.writing, now=self.writing.now + timedelta(seconds=1))
        known = None if reading == "nothing" else self.document
        held = self._first(change, reading)
        entry_ids, guest_keys = {change.event_id}, set[str]()
        for _ in range(_MOST_READINGS):
            decision = self.judge(change, held)
            if isinstance(decision, JournalEntryRequired):
                entry_ids.add(decision.entry_id)
            elif isinstance(decision, GuestRequired):
                guest_keys.add(decision.key)
            elif isinstance(decision, ReservationWrite) and self._refuses(decision):
                known = self.document
            else:
                return self._landed(decision)
            held = self._read(known, entry_ids, guest_keys)
        raise AssertionError(f"no decision in {_MOST_READINGS} readings")

    def _first(self, change: ReservationEvent, reading: Reading) -> StoredReservation:
        if reading == "nothing":
            return StoredReservation(None, {change.event_id: None})
        return self.held([change.event_id] if reading == "entry" else [])

    def _read(
        self, known: dict[str, Any] | None, entry_ids: Iterable[str], guest_keys: Iterable[str]
    ) -> StoredReservation:
        return StoredReservation(
            copy.deepcopy(known),
            {entry_id: copy.deepcopy(self.entries.get(entry_id)) for entry_id in entry_ids},
            {key: self.guests.get(key) for key in guest_keys},
        )

    def _landed(
        self, decision: ReservationWrite | NoChange | VersionConflict
    ) -> ReservationWrite | NoChange | VersionConflict:
        if isinstance(decision, ReservationWrite):
            self._write(decision)
        return decision

    def _refuses(self, commit: ReservationWrite) -> bool:
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


def told(
    arrival: Iterable[ReservationEvent], ways: Sequence[Reading], guests: Guests | None = None
) -> MemoryLedger:
    """Return a ledger that heard it all, reading each time in the next of these ways."""
    ledger = MemoryLedger(guests=guests or {})
    for change, way in zip(arrival, cycle(ways)):
        ledger.hear(change, way)
    return ledger


def ledger_of(*changes: ReservationEvent) -> MemoryLedger:
    """Return a ledger that took each of these changes."""
    ledger = MemoryLedger()
    for change in changes:
        assert isinstance(ledger.hear(change), ReservationWrite)
    return ledger
