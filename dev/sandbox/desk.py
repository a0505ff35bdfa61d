"""What is done to a reservation before the visit: booked, moved, changed, cancelled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from dev.sandbox.book import Book
from dev.sandbox.records import Deposit, Reservation


class Desk:
    """The reservation desk of one restaurant; every act returns the new reservation."""

    def __init__(self, book: Book, rid: int) -> None:
        """Work on the reservations of ``rid``."""
        self._book = book
        self._rid = rid

    def book(  # noqa: PLR0913 - the parts of a booking, all but two optional
        self,
        scheduled: datetime,
        party_size: int,
        *,
        guest_key: str | None = None,
        request: str = "",
        origin: str = "Web",
        tags: tuple[str, ...] = (),
    ) -> Reservation:
        """Enter a reservation, in state NotConfirmed.

        Args:
            scheduled: Aware time of the visit; in the skipped hour of a zone it moves on by one.
            party_size: 1 to 20.
            guest_key: The guest's key, or None for a nameless booking.
            request: The diner's words.
            origin: Web, Phone or Walk-in.
            tags: Visit tags.
        """
        now = self._book.now()
        return self._book.add(
            Reservation(
                rid=self._rid,
                key=self._book.key(),
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

    def move(self, key: str, scheduled: datetime) -> Reservation:
        """Move to another aware date or time: same id, same confirmation number."""
        return self._change(key, lambda row: replace(row, scheduled=scheduled.astimezone(UTC)))

    def resize(self, key: str, party_size: int) -> Reservation:
        """Change the party, 1 to 20."""
        return self._change(key, lambda row: replace(row, party_size=party_size))

    def tables(self, key: str, *tables: str) -> Reservation:
        """Assign the tables, none to take them away."""
        return self._change(key, lambda row: replace(row, tables=tables))

    def note(self, key: str, notes: str | None) -> Reservation:
        """Write the staff's notes."""
        return self._change(key, lambda row: replace(row, venue_notes=notes))

    def tag(self, key: str, *tags: str) -> Reservation:
        """Set the visit tags."""
        return self._change(key, lambda row: replace(row, visit_tags=tags))

    def request(self, key: str, words: str) -> Reservation:
        """Change the diner's request."""
        return self._change(key, lambda row: replace(row, guest_request=words))

    def deposit(self, key: str, deposit: Deposit) -> Reservation:
        """Record a deposit."""
        return self._change(key, lambda row: replace(row, deposit=deposit))

    def cancel(self, key: str) -> Reservation:
        """Cancel; the row stays listed, and the first cancellation's time is kept."""
        now = self._book.now()
        return self._change(
            key, lambda row: replace(row, state="Cancelled", cancelled=row.cancelled or now)
        )

    def uncancel(self, key: str) -> Reservation:
        """Take a cancellation back; ``cancellation_date`` stays."""
        return self._change(key, lambda row: replace(row, state="NotConfirmed"))

    def _change(self, key: str, edit: Callable[[Reservation], Reservation]) -> Reservation:
        return self._book.change(self._rid, key, edit)
