"""What else a restaurant's day brings: new bookings, changes to later ones, walk-ins, guests."""

import random
from datetime import date, datetime, timedelta

from dev.sandbox import patterns
from dev.sandbox.book import Book
from dev.sandbox.desk import Desk
from dev.sandbox.floor import Floor
from dev.sandbox.guestbook import Guestbook
from dev.sandbox.people import REQUESTS, SERVERS, made_up
from dev.sandbox.records import EXPECTED, Reservation
from dev.sandbox.visits import Act, Visits

_NAMELESS_SHARE = 0.5


class Dayside:
    """Makes the acts that are not part of an expected visit."""

    def __init__(self, book: Book, rid: int, day: date, rng: random.Random) -> None:
        """Work on local date ``day`` of ``rid`` by the chances that ``rng`` draws."""
        self._book = book
        self._rid = rid
        self._day = day
        self._zone = book.restaurant(rid).zone
        self._rng = rng
        self._desk = Desk(book, rid)
        self._floor = Floor(book, rid)
        self._guests = Guestbook(book, rid)
        self._visits = Visits(book, rid, rng)

    def book(self, at: datetime) -> list[Act]:
        """Take a booking at ``at``; one for tonight brings its own visit on."""
        guest = self._guests.add(*made_up(self._rng))
        row = self._desk.book(
            self._ahead(at),
            patterns.party_size(self._rng),
            guest_key=guest.key,
            request=self._rng.choice(REQUESTS),
        )
        return self._visits.expected(row) if row.local[:10] == self._day.isoformat() else []

    def walk_in(self, at: datetime) -> list[Act]:
        """Seat a walk-in, half of them with a guest record that has no name."""
        nameless = self._rng.random() < _NAMELESS_SHARE
        guest_key = self._guests.add().key if nameless else None
        row = self._floor.walk_in(patterns.party_size(self._rng), at, guest_key=guest_key)
        return self._visits.courses(row, at, closed=True)

    def wait(self, at: datetime) -> list[Act]:
        """Put a party on the waiting list and seat it 25 minutes later."""
        row = self._floor.waitlist(patterns.party_size(self._rng), at, minutes=25)
        return self._visits.seated(row, at + timedelta(minutes=25), closed=True)

    def change(self, _at: datetime) -> list[Act]:
        """Change one later booking: its time, party, table, note, tags or standing."""
        later = self._later()
        if later:
            self._rework(self._rng.choice(later))
        return []

    def merge(self, _at: datetime) -> list[Act]:
        """Merge two records of what turned out to be one guest."""
        named = [one for one in self._book.guests(self._rid) if one.last_name and not one.archived]
        if len(named) > 1:
            loser, survivor = self._rng.sample(named, 2)
            self._guests.merge(loser.key, survivor.key)
        return []

    def correct(self, _at: datetime) -> list[Act]:
        """Correct one guest's details, wishes included."""
        named = [one for one in self._book.guests(self._rid) if one.last_name and not one.archived]
        if named:
            guest, (first, last, email, phone) = self._rng.choice(named), made_up(self._rng)
            self._guests.rename(guest.key, first, last)
            self._guests.contact(guest.key, email, phone)
            self._guests.opt(guest.key, email_in=True, marketing_out=self._rng.random() < 0.5)  # noqa: PLR2004
        return []

    def sweep(self, _at: datetime) -> list[Act]:
        """Close what was left open, as OpenTable does after the restaurant has closed."""
        self._floor.sweep(self._day)
        return []

    def _later(self) -> list[Reservation]:
        tonight = self._day.isoformat()
        rows = self._book.reservations(self._rid)
        return [row for row in rows if row.state in EXPECTED and row.local[:10] > tonight]

    def _rework(self, row: Reservation) -> None:
        rng, key = self._rng, row.key
        acts = (
            lambda: self._desk.move(key, row.scheduled + timedelta(days=rng.choice((1, 7)))),
            lambda: self._desk.resize(key, patterns.party_size(rng)),
            lambda: self._desk.tables(key, str(rng.randrange(1, 30))),
            lambda: self._desk.note(key, f"Seen by {rng.choice(SERVERS)}"),
            lambda: self._desk.tag(key, "gc:service/date"),
            lambda: self._desk.cancel(key),
            lambda: self._floor.mark(key, "Confirmed"),
        )
        rng.choice(acts)()

    def _ahead(self, at: datetime) -> datetime:
        lead = patterns.lead_time(self._rng)
        wanted = patterns.visit_time(
            (at + lead).astimezone(self._zone).date(), self._zone, self._rng
        )
        return wanted if wanted > at else wanted + timedelta(days=1)
