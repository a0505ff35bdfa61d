"""What is done to a reservation before the visit: booked, moved, changed, cancelled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from dev.sandbox.book import SandboxStore
from dev.sandbox.records import SandboxDeposit, SandboxReservation


class ReservationActions:
    """The reservation desk of one restaurant; every act returns the new reservation."""

    def __init__(self, store: SandboxStore, rid: int) -> None:
        """Work on the reservations of ``rid``."""
        self._store = store
        self._rid = rid

    def create(  # noqa: PLR0913 - the parts of a booking, all but two optional
        self,
        scheduled: datetime,
        party_size: int,
        *,
        guest_key: str | None = None,
        request: str = "",
        origin: str = "Web",
        tags: tuple[str, ...] = (),
    ) -> SandboxReservation:
        """Enter a reservation, in state NotConfirmed.

        Args:
            scheduled: Aware time of the visit; in the skipped hour of a zone it moves on by one.
            party_size: 1 to 20.
            guest_key: The guest's key, or None for a nameless booking.
            request: The diner's words.
            origin: Web, Phone or Walk-in.
            tags: Visit tags.
        """
        now = self._store.now()
        return self._store.add_reservation(
            SandboxReservation(
                rid=self._rid,
                key=self._store.generate_key(),
                scheduled=scheduled.astimezone(UTC),
                party_size=party_size,
                created=now,
                updated=now,
                guest_key=guest_key,
                guest_request=request,
                origin=origin,
                visit_tags=tags,
            )
        )

    def reschedule(self, key: str, scheduled: datetime) -> SandboxReservation:
        """Move to another aware date or time: same id, same confirmation number."""
        return self._update(key, lambda row: replace(row, scheduled=scheduled.astimezone(UTC)))

    def change_party_size(self, key: str, party_size: int) -> SandboxReservation:
        """Change the party, 1 to 20."""
        return self._update(key, lambda row: replace(row, party_size=party_size))

    def assign_tables(self, key: str, *tables: str) -> SandboxReservation:
        """Assign the tables, none to take them away."""
        return self._update(key, lambda row: replace(row, tables=tables))

    def set_notes(self, key: str, notes: str | None) -> SandboxReservation:
        """Write the staff's notes."""
        return self._update(key, lambda row: replace(row, venue_notes=notes))

    def set_tags(self, key: str, *tags: str) -> SandboxReservation:
        """Set the visit tags."""
        return self._update(key, lambda row: replace(row, visit_tags=tags))

    def set_request(self, key: str, text: str) -> SandboxReservation:
        """Change the diner's request."""
        return self._update(key, lambda row: replace(row, guest_request=text))

    def set_deposit(self, key: str, deposit: SandboxDeposit) -> SandboxReservation:
        """Record a deposit."""
        return self._update(key, lambda row: replace(row, deposit=deposit))

    def cancel(self, key: str) -> SandboxReservation:
        """Cancel; the row stays listed, and the first cancellation's time is kept."""
        now = self._store.now()
        return self._update(
            key, lambda row: replace(row, state="Cancelled", cancelled=row.cancelled or now)
        )

    def uncancel(self, key: str) -> SandboxReservation:
        """Take a cancellation back; ``cancellation_date`` stays."""
        return self._update(key, lambda row: replace(row, state="NotConfirmed"))

    def _update(
        self, key: str, edit: Callable[[SandboxReservation], SandboxReservation]
    ) -> SandboxReservation:
        return self._store.update_reservation(self._rid, key, edit)
