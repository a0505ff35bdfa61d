"""One restaurant's part of the book: its rows, its counters, and how an event is stamped."""

from dataclasses import dataclass, field, replace

from dev.sandbox.records import SandboxGuest, SandboxReservation, SandboxRestaurant
from dev.sandbox.times import format_opentable_local


@dataclass(slots=True)
class RestaurantData:
    """Rows and counters of one restaurant; ``version`` moves with every write."""

    restaurant: SandboxRestaurant
    reservations: dict[str, SandboxReservation] = field(default_factory=dict)
    guests: dict[str, SandboxGuest] = field(default_factory=dict)
    version: int = 0
    last_sequence_id: int = 0
    last_guest_sequence_id: int = 0
    last_confirmation_id: int = 1000

    def assign_sequence(self, row: SandboxReservation, confirmation_id: int) -> SandboxReservation:
        """Give the next ``sequence_id``: one counter per rid, one step per event."""
        self.last_sequence_id += 1
        return replace(
            row,
            sequence_id=self.last_sequence_id,
            confirmation_id=confirmation_id,
            scheduled_local=format_opentable_local(row.scheduled, self.restaurant.zone),
        )

    def store_reservation(self, row: SandboxReservation) -> SandboxReservation:
        """Hold a stamped reservation."""
        self.version += 1
        self.reservations[row.key] = row
        return row

    def store_guest(self, guest: SandboxGuest) -> SandboxGuest:
        """Stamp a guest by a counter of its own, and hold it."""
        self.version += 1
        self.last_guest_sequence_id += 1
        self.guests[guest.key] = replace(guest, sequence_id=self.last_guest_sequence_id)
        return self.guests[guest.key]

    def next_confirmation_id(self) -> int:
        """Return a confirmation number, unique in this restaurant only."""
        self.last_confirmation_id += 1
        return self.last_confirmation_id
