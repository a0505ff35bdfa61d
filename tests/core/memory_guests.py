"""The guests' store beside one reservation's ledger in memory, driven as the edge ring does it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle

from shared.core.change import Actor, Channel, ReservationEvent, Version
from shared.core.decision import ReservationWrite
from shared.core.erasure import redact_journal_entry
from shared.core.guest import Guest
from shared.core.guesting import GUEST_LINKED_EVENT_TYPE
from shared.core.stored import reservation_state_from_document
from tests.core.memory_ledger import InMemoryLedger, ReadMode, flatten_without_write_times
from tests.strategies.envelopes import RELAY_RECEIVED_AT
from tests.strategies.guest_histories import GuestOrEvent
from tests.strategies.objects import KEY

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
