"""One restaurant's part of the book: its rows, its counters, and how an event is stamped."""

from dataclasses import dataclass, field, replace

from dev.sandbox.records import Guest, Reservation, Restaurant
from dev.sandbox.times import local_text


@dataclass(slots=True)
class Shelf:
    """Rows and counters of one restaurant; ``version`` moves with every write."""

    restaurant: Restaurant
    reservations: dict[str, Reservation] = field(default_factory=dict)
    guests: dict[str, Guest] = field(default_factory=dict)
    version: int = 0
    sequence: int = 0
    guest_sequence: int = 0
    confirmation: int = 1000

    def stamp(self, row: Reservation, confirmation_id: int) -> Reservation:
        """Give the next ``sequence_id``: one counter per rid, one step per event."""
        self.sequence += 1
        return replace(
            row,
            sequence_id=self.sequence,
            confirmation_id=confirmation_id,
            local=local_text(row.scheduled, self.restaurant.zone),
        )

    def put(self, row: Reservation) -> Reservation:
        """Hold a stamped reservation."""
        self.version += 1
        self.reservations[row.key] = row
        return row

    def put_guest(self, guest: Guest) -> Guest:
        """Stamp a guest by a counter of its own, and hold it."""
        self.version += 1
        self.guest_sequence += 1
        self.guests[guest.key] = replace(guest, sequence_id=self.guest_sequence)
        return self.guests[guest.key]

    def next_number(self) -> int:
        """Return a confirmation number, unique in this restaurant only."""
        self.confirmation += 1
        return self.confirmation
