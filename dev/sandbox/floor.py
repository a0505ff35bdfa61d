"""What is done to a reservation during the visit: arrived, seated, served, done, swept."""

from dataclasses import replace
from datetime import UTC, date, datetime

from dev.sandbox.book import Book
from dev.sandbox.records import ENDED, SEATED, Reservation


class Floor:
    """The floor of one restaurant; ``at`` is restaurant time (aware), the book's when omitted."""

    def __init__(self, book: Book, rid: int) -> None:
        """Work on the visits of ``rid``."""
        self._book = book
        self._rid = rid

    def mark(self, key: str, state: str) -> Reservation:
        """Set any state: a call's outcome, a course, an undo, or a POS's own word."""
        return self._book.change(self._rid, key, lambda row: replace(row, state=state))

    def arrive(self, key: str, at: datetime | None = None, *, everyone: bool = True) -> Reservation:
        """Note that the party is here, in part unless ``everyone``; the first arrival counts."""
        state = "AllArrived" if everyone else "PartiallyArrived"
        when = self._moment(at)
        return self._book.change(
            self._rid, key, lambda row: replace(row, state=state, arrived=row.arrived or when)
        )

    def seat(
        self, key: str, at: datetime | None = None, tables: tuple[str, ...] = ()
    ) -> Reservation:
        """Seat the party, at ``tables`` where given."""
        when = self._moment(at)
        return self._book.change(
            self._rid,
            key,
            lambda row: replace(row, state="Seated", seated=when, tables=tables or row.tables),
        )

    def done(self, key: str, at: datetime | None = None) -> Reservation:
        """Close the visit."""
        when = self._moment(at)
        return self._book.change(self._rid, key, lambda row: replace(row, state="Done", done=when))

    def no_show(self, key: str) -> Reservation:
        """Note that nobody came."""
        return self.mark(key, "NoShow")

    def walk_in(
        self, party_size: int, at: datetime | None = None, *, guest_key: str | None = None
    ) -> Reservation:
        """Seat a party that had not booked; its guest is null or a nameless record."""
        when = self._moment(at)
        draft = self._draft(when, party_size, guest_key)
        return self._book.add(replace(draft, state="Seated", arrived=when, seated=when))

    def waitlist(self, party_size: int, at: datetime | None = None, *, minutes: int) -> Reservation:
        """Put a waiting party on the list, with a wait of ``minutes`` quoted."""
        when = self._moment(at)
        draft = self._draft(when, party_size, None)
        return self._book.add(replace(draft, waitlisted=when, quoted_wait=minutes))

    def sweep(self, day: date) -> list[Reservation]:
        """Close what the staff left open up to local date ``day``, as OpenTable does nightly.

        Never seated becomes AssumedSeated, seated but never closed becomes AssumedDone.
        """
        left = [
            row
            for row in self._book.reservations(self._rid)
            if row.state not in ENDED and row.local[:10] <= day.isoformat()
        ]
        return [self.mark(row.key, _assumed(row)) for row in left]

    def _moment(self, at: datetime | None) -> datetime:
        return at.astimezone(UTC).replace(microsecond=0) if at else self._book.now()

    def _draft(self, when: datetime, party_size: int, guest_key: str | None) -> Reservation:
        now = self._book.now()
        return Reservation(
            rid=self._rid,
            key=self._book.key(),
            scheduled=when,
            party_size=party_size,
            created=now,
            updated=now,
            origin="Walk-in",
            guest_key=guest_key,
        )


def _assumed(row: Reservation) -> str:
    return "AssumedDone" if row.seated or row.state in SEATED else "AssumedSeated"
