"""Change reservations before and during the visit, and guests."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from sandbox.models import ENDED_STATES, SEATED_STATES, SandboxGuest, SandboxReservation
from sandbox.store import SandboxStore


class RestaurantActions:
    """Change what OpenTable stores of one restaurant; each action returns the new value."""

    def __init__(self, store: SandboxStore, rid: int) -> None:
        self._store = store
        self._rid = rid

    def _add_reservation(
        self, scheduled: datetime, party_size: int, **fields: Any
    ) -> SandboxReservation:
        now = self._store.now()
        return self._store.add_reservation(
            SandboxReservation(
                rid=self._rid,
                key=self._store.generate_key(),
                scheduled=scheduled,
                party_size=party_size,
                created=now,
                updated=now,
                **fields,
            )
        )

    def _update_reservation(self, key: str, **fields: Any) -> SandboxReservation:
        return self._store.update_reservation(self._rid, key, lambda row: replace(row, **fields))


class ReservationActions(RestaurantActions):
    """Change reservations before the visit."""

    def create(
        self,
        scheduled: datetime,
        party_size: int,
        *,
        guest_key: str | None = None,
        request: str = "",
        origin: str = "Web",
        tags: tuple[str, ...] = (),
    ) -> SandboxReservation:
        """Create a reservation in state NotConfirmed.

        Args:
            scheduled: Aware; a time in a zone's skipped hour moves one hour ahead.
            party_size: 1 to 20.
            guest_key: None for a booking without a guest.
            request: The guest's request.
            origin: Web, Phone or Walk-in.
        """
        return self._add_reservation(
            scheduled.astimezone(UTC),
            party_size,
            guest_key=guest_key,
            guest_request=request,
            origin=origin,
            visit_tags=tags,
        )

    def reschedule(self, key: str, scheduled: datetime) -> SandboxReservation:
        """Move to another aware date or time: same id, same confirmation number."""
        # Documented. Only a move to another restaurant is a cancellation and a new reservation.
        return self._update_reservation(key, scheduled=scheduled.astimezone(UTC))

    def change_party_size(self, key: str, party_size: int) -> SandboxReservation:
        """Change the party, 1 to 20."""
        return self._update_reservation(key, party_size=party_size)

    def assign_tables(self, key: str, *tables: str) -> SandboxReservation:
        """Assign the tables, none to take them away."""
        return self._update_reservation(key, tables=tables)

    def set_notes(self, key: str, notes: str | None) -> SandboxReservation:
        """Write the staff's notes."""
        return self._update_reservation(key, venue_notes=notes)

    def set_tags(self, key: str, *tags: str) -> SandboxReservation:
        """Set the visit tags."""
        return self._update_reservation(key, visit_tags=tags)

    def set_request(self, key: str, text: str) -> SandboxReservation:
        """Change the diner's request."""
        return self._update_reservation(key, guest_request=text)

    def cancel(self, key: str) -> SandboxReservation:
        """Cancel; the row stays listed, and the first cancellation's time is kept."""
        now = self._store.now()
        return self._store.update_reservation(
            self._rid,
            key,
            lambda row: replace(row, state="Cancelled", cancelled=row.cancelled or now),
        )

    def uncancel(self, key: str) -> SandboxReservation:
        """Take a cancellation back; ``cancellation_date`` stays."""
        # Inferred: the documented "first cancellation" implies that one can be undone.
        return self._update_reservation(key, state="NotConfirmed")


class VisitActions(RestaurantActions):
    """Change reservations during the visit; ``at`` is aware and defaults to the store's time."""

    def set_state(self, key: str, state: str) -> SandboxReservation:
        """Set any state, including unknown ones from a POS."""
        return self._update_reservation(key, state=state)

    def record_arrival(
        self, key: str, at: datetime | None = None, *, everyone: bool = True
    ) -> SandboxReservation:
        """Record an arrival, partial unless ``everyone``; the first arrival time stays."""
        state = "AllArrived" if everyone else "PartiallyArrived"
        when = self._resolve_time(at)
        return self._store.update_reservation(
            self._rid, key, lambda row: replace(row, state=state, arrived=row.arrived or when)
        )

    def seat(
        self, key: str, at: datetime | None = None, tables: tuple[str, ...] = ()
    ) -> SandboxReservation:
        """Seat the party, optionally at ``tables``."""
        fields = {"tables": tables} if tables else {}
        return self._update_reservation(
            key, state="Seated", seated=self._resolve_time(at), **fields
        )

    def finish(self, key: str, at: datetime | None = None) -> SandboxReservation:
        """Close the visit."""
        return self._update_reservation(key, state="Done", done=self._resolve_time(at))

    def mark_no_show(self, key: str) -> SandboxReservation:
        """Mark the reservation as a no-show."""
        return self.set_state(key, "NoShow")

    def add_walk_in(
        self, party_size: int, at: datetime | None = None, *, guest_key: str | None = None
    ) -> SandboxReservation:
        """Seat a party without a booking; its guest is null or a record without a name."""
        # Documented: names may be empty for walk-ins. The first state is a choice.
        when = self._resolve_time(at)
        return self._add_reservation(
            when,
            party_size,
            origin="Walk-in",
            guest_key=guest_key,
            state="Seated",
            arrived=when,
            seated=when,
        )

    def add_to_waitlist(
        self, party_size: int, at: datetime | None = None, *, minutes: int
    ) -> SandboxReservation:
        """Put a waiting party on the list, with a wait of ``minutes`` quoted."""
        when = self._resolve_time(at)
        return self._add_reservation(
            when, party_size, origin="Walk-in", waitlisted=when, quoted_wait=minutes
        )

    def close_open_visits(self, day: date) -> list[SandboxReservation]:
        """Close visits left open up to the local date ``day``, as OpenTable does each night.

        Visits without a seating become AssumedSeated; seated visits become AssumedDone.
        """
        # The states are documented. An older guide names a daily job; its hour is undocumented.
        open_visits = [
            row
            for row in self._store.list_reservations(self._rid)
            if row.state not in ENDED_STATES and row.scheduled_local[:10] <= day.isoformat()
        ]
        return [
            self.set_state(
                row.key,
                "AssumedDone" if row.seated or row.state in SEATED_STATES else "AssumedSeated",
            )
            for row in open_visits
        ]

    def _resolve_time(self, at: datetime | None) -> datetime:
        return at.astimezone(UTC).replace(microsecond=0) if at else self._store.now()


class GuestActions(RestaurantActions):
    """Change guests."""

    def add(
        self, first_name: str = "", last_name: str = "", email: str = "", phone: str = ""
    ) -> SandboxGuest:
        """Add a guest; all may be empty, as for a walk-in. ``phone`` is national digits."""
        now = self._store.now()
        return self._store.add_guest(
            SandboxGuest(
                rid=self._rid,
                key=self._store.generate_key(),
                created=now,
                updated=now,
                first_name=first_name,
                last_name=last_name,
                email=email,
                phone=phone,
            )
        )

    def rename(self, key: str, first_name: str, last_name: str) -> SandboxGuest:
        """Correct the name."""
        return self._update(key, first_name=first_name, last_name=last_name)

    def update_contact(self, key: str, email: str, phone: str) -> SandboxGuest:
        """Correct the address and the number (national digits)."""
        return self._update(key, email=email, phone=phone)

    def merge(self, loser: str, survivor: str) -> SandboxGuest:
        """Archive ``loser`` in favor of ``survivor``; its reservations keep naming the loser."""
        return self._update(loser, archived=True, primary=survivor)

    def forget(self, key: str) -> SandboxGuest:
        """Forget the diner: flagged, and every detail emptied."""
        # The flag is documented. Whether OpenTable empties the details is not.
        return self._update(
            key, forgotten=True, first_name="", last_name="", email="", phone="", notes=None
        )

    def set_preferences(
        self, key: str, *, email_opt_in: bool, marketing_opt_out: bool
    ) -> SandboxGuest:
        """Set the diner's wishes about mail and marketing."""
        return self._update(key, email_optin=email_opt_in, marketing_opted_out=marketing_opt_out)

    def hide(self, key: str) -> SandboxGuest:
        """Hide the guest from the restaurant's own guest list."""
        return self._update(key, is_hidden=True)

    def _update(self, key: str, **fields: Any) -> SandboxGuest:
        return self._store.update_guest(self._rid, key, lambda guest: replace(guest, **fields))
