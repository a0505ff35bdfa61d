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
from tests.core.memory_ledger import MemoryLedger, Reading, apart_from_times
from tests.strategies.envelopes import RECEIVED
from tests.strategies.guest_histories import Statement
from tests.strategies.objects import KEY

_numbers = count()


@dataclass
class MemoryGuests:
    """A reservation and the guests that it names; OpenTable is asked for whom nobody told of."""

    truth: Mapping[str, Guest]
    held: dict[str, Guest] = field(default_factory=dict)
    seen: dict[str, Guest] = field(default_factory=dict)
    ledger: MemoryLedger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(guests=self.held)

    def tell(self, change: ReservationEvent, reading: Reading) -> None:
        """Apply a statement; a commit that finds a forgotten guest scrubs the journal.

        A guest who is shown may be fetched later; whoever is no longer shown is had by then.
        """
        heard = reservation_state_from_document(apart_from_times(self.ledger.document)).merge(
            change
        )
        if heard.guest_references.keys != {heard.resolve_field("guestKey")}:
            self._have(heard.guest_references.keys)
        decision = self.ledger.hear(change, reading)
        if isinstance(decision, ReservationWrite) and decision.forgotten_guest_keys:
            self._scrub_journal()

    def learn(self, guest: Guest) -> None:
        """Keep a guest's record where it is held or the reservation names it, and join it.

        One of which nothing is held comes as it is by now, which is how OpenTable tells it.
        """
        seen = self.seen.get(guest.key, guest)
        self.seen[guest.key] = guest = guest if guest.supersedes(seen) else seen
        if guest.key not in self.held and guest.key not in self._led_to():
            return
        self._hold(guest)
        self._fetch(guest.survivor_key)
        if guest.key in self._led_to():
            self._join()

    def fetch_lacking(self) -> None:
        """Ask for the guest whom the reservation names, where nothing is held of that guest."""
        statements = reservation_state_from_document(apart_from_times(self.ledger.document))
        named = statements.resolve_field("guestKey")
        if isinstance(named, str) and statements.linked_guest is None:
            self._fetch(named)
            self._join()

    def _have(self, keys: frozenset[str]) -> None:
        lacking = sorted(keys - self.held.keys())
        for key in lacking:
            self._fetch(key)
        if lacking and self.ledger.document is not None:
            self._join()

    def _fetch(self, key: str | None) -> None:
        while key is not None and key not in self.held:
            self._hold(self.truth.get(key, Guest(key)))
            key = self.held[key].survivor_key

    def _hold(self, guest: Guest) -> None:
        if guest.key not in self.held or guest.supersedes(self.held[guest.key]):
            self.held[guest.key] = guest

    def _led_to(self) -> frozenset[str]:
        return reservation_state_from_document(
            apart_from_times(self.ledger.document)
        ).guest_references.resolved_keys

    def _join(self) -> None:
        event_id = f"guest-{next(_numbers)}"
        version = Version.from_timestamp(RECEIVED, event_id)
        said = ReservationEvent(
            KEY, event_id, GUEST_LINKED_EVENT_TYPE, Actor.LINEUP, version, {}, "{}", Channel.POLL
        )
        self.tell(said, "document")
        if reservation_state_from_document(
            apart_from_times(self.ledger.document)
        ).guest_references.has_forgotten_guest:
            self._scrub_journal()

    def _scrub_journal(self) -> None:
        for entry in self.ledger.entries.values():
            entry.update(redact_journal_entry(entry))


def told_with_guests(
    order: Iterable[Statement],
    truth: Mapping[str, Guest],
    ways: Sequence[Reading],
    patience: Sequence[bool],
) -> MemoryGuests:
    """Return what is held once all was told, and a last poll has brought what lacked.

    Args:
        order: The statements as they arrive.
        truth: OpenTable's guests.
        ways: How the ledger reads, one after the other.
        patience: Whether a missing guest is fetched at once, likewise.
    """
    world = MemoryGuests(truth)
    for statement, way, at_once in zip(order, cycle(ways), cycle(patience)):
        if isinstance(statement, Guest):
            world.learn(statement)
        else:
            world.tell(statement, way)
        if at_once:
            world.fetch_lacking()
    world.fetch_lacking()
    return world
