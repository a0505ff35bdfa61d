"""What else a restaurant's day brings: new bookings, changes to later ones, walk-ins, guests."""

import random
from datetime import date, datetime, timedelta

from dev.sandbox import patterns
from dev.sandbox.book import SandboxStore
from dev.sandbox.desk import ReservationActions
from dev.sandbox.floor import VisitActions
from dev.sandbox.guestbook import GuestActions
from dev.sandbox.people import SAMPLE_REQUESTS, SAMPLE_SERVERS, generate_guest_details
from dev.sandbox.records import EXPECTED_STATES, SandboxReservation
from dev.sandbox.visits import SimulatedAction, VisitPlanner

_NAMELESS_SHARE = 0.5


class BookingGenerator:
    """Makes the acts that are not part of an expected visit."""

    def __init__(self, store: SandboxStore, rid: int, day: date, rng: random.Random) -> None:
        """Work on local date ``day`` of ``rid`` by the chances that ``rng`` draws."""
        self._store = store
        self._rid = rid
        self._day = day
        self._zone = store.get_restaurant(rid).zone
        self._rng = rng
        self._reservation_actions = ReservationActions(store, rid)
        self._visit_actions = VisitActions(store, rid)
        self._guest_actions = GuestActions(store, rid)
        self._visit_planner = VisitPlanner(store, rid, rng)

    def create_booking(self, at: datetime) -> list[SimulatedAction]:
        """Take a booking at ``at``; one for tonight brings its own visit on."""
        guest = self._guest_actions.add(*generate_guest_details(self._rng))
        row = self._reservation_actions.create(
            self._draw_scheduled_time(at),
            patterns.draw_party_size(self._rng),
            guest_key=guest.key,
            request=self._rng.choice(SAMPLE_REQUESTS),
        )
        return (
            self._visit_planner.plan_expected_visit(row)
            if row.scheduled_local[:10] == self._day.isoformat()
            else []
        )

    def create_walk_in(self, at: datetime) -> list[SimulatedAction]:
        """Seat a walk-in, half of them with a guest record that has no name."""
        is_nameless = self._rng.random() < _NAMELESS_SHARE
        guest_key = self._guest_actions.add().key if is_nameless else None
        row = self._visit_actions.add_walk_in(
            patterns.draw_party_size(self._rng), at, guest_key=guest_key
        )
        return self._visit_planner.plan_courses(row, at, closed=True)

    def create_waitlist_entry(self, at: datetime) -> list[SimulatedAction]:
        """Put a party on the waiting list and seat it 25 minutes later."""
        row = self._visit_actions.add_to_waitlist(
            patterns.draw_party_size(self._rng), at, minutes=25
        )
        return self._visit_planner.plan_seating(row, at + timedelta(minutes=25), closed=True)

    def change_booking(self, _at: datetime) -> list[SimulatedAction]:
        """Change one later booking: its time, party, table, note, tags or standing."""
        later_bookings = self._list_later_bookings()
        if later_bookings:
            self._apply_random_change(self._rng.choice(later_bookings))
        return []

    def merge_guests(self, _at: datetime) -> list[SimulatedAction]:
        """Merge two records of what turned out to be one guest."""
        named_guests = [
            guest
            for guest in self._store.list_guests(self._rid)
            if guest.last_name and not guest.archived
        ]
        if len(named_guests) > 1:
            loser, survivor = self._rng.sample(named_guests, 2)
            self._guest_actions.merge(loser.key, survivor.key)
        return []

    def correct_guest(self, _at: datetime) -> list[SimulatedAction]:
        """Correct one guest's details, wishes included."""
        named_guests = [
            guest_row
            for guest_row in self._store.list_guests(self._rid)
            if guest_row.last_name and not guest_row.archived
        ]
        if named_guests:
            guest, (first, last, email, phone) = (
                self._rng.choice(named_guests),
                generate_guest_details(self._rng),
            )
            self._guest_actions.rename(guest.key, first, last)
            self._guest_actions.update_contact(guest.key, email, phone)
            self._guest_actions.set_preferences(
                guest.key,
                email_opt_in=True,
                marketing_opt_out=self._rng.random() < 0.5,  # noqa: PLR2004 -- an even chance
            )
        return []

    def close_open_visits(self, _at: datetime) -> list[SimulatedAction]:
        """Close what was left open, as OpenTable does after the restaurant has closed."""
        self._visit_actions.close_open_visits(self._day)
        return []

    def _list_later_bookings(self) -> list[SandboxReservation]:
        tonight = self._day.isoformat()
        rows = self._store.list_reservations(self._rid)
        return [
            row
            for row in rows
            if row.state in EXPECTED_STATES and row.scheduled_local[:10] > tonight
        ]

    def _apply_random_change(self, row: SandboxReservation) -> None:
        rng, key = self._rng, row.key
        changes = (
            lambda: self._reservation_actions.reschedule(
                key, row.scheduled + timedelta(days=rng.choice((1, 7)))
            ),
            lambda: self._reservation_actions.change_party_size(key, patterns.draw_party_size(rng)),
            lambda: self._reservation_actions.assign_tables(key, str(rng.randrange(1, 30))),
            lambda: self._reservation_actions.set_notes(
                key, f"Seen by {rng.choice(SAMPLE_SERVERS)}"
            ),
            lambda: self._reservation_actions.set_tags(key, "gc:service/date"),
            lambda: self._reservation_actions.cancel(key),
            lambda: self._visit_actions.set_state(key, "Confirmed"),
        )
        rng.choice(changes)()

    def _draw_scheduled_time(self, at: datetime) -> datetime:
        lead = patterns.draw_lead_time(self._rng)
        scheduled = patterns.draw_visit_time(
            (at + lead).astimezone(self._zone).date(), self._zone, self._rng
        )
        return scheduled if scheduled > at else scheduled + timedelta(days=1)
