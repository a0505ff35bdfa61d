"""Generate bookings with realistic party sizes, hours, weekdays and lead times.

The distributions in ``patterns.json`` name their source. Hours outside the opening hours are
dropped. Parties of twenty or more count as twenty, the maximum that can be booked.
"""

import json
import random
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.actions import GuestActions, ReservationActions, VisitActions
from sandbox.models import (
    EXPECTED_STATES,
    SAMPLE_REQUESTS,
    SAMPLE_SERVERS,
    SandboxGuest,
    SandboxReservation,
    draw_weighted,
    generate_guest_details,
)
from sandbox.store import SandboxStore
from sandbox.visits import SimulatedAction, VisitPlanner

_OPENING_HOUR, _LAST_SEATING_HOUR = 11, 22

_STATISTICS: dict[str, dict[str, float]] = json.loads(
    Path(__file__).with_name("patterns.json").read_text()
)

# Not from the source, which has hours only.
_MINUTE_SHARES = {0: 0.45, 15: 0.15, 30: 0.3, 45: 0.1}
_MAX_LEAD_HOURS = 42 * 24.0

PARTY_SHARES = {
    int(size.rstrip("+")): share for size, share in _STATISTICS["party_size_share"].items()
}

HOUR_SHARES = {
    int(hour): share
    for hour, share in _STATISTICS["visit_hour_share"].items()
    if _OPENING_HOUR <= int(hour) <= _LAST_SEATING_HOUR
}

_WEEKDAY_SHARES = list(_STATISTICS["weekday_share"].values())

_LEAD_TIME_QUANTILES = [
    (0.0, 0.0),
    *((float(share), hours) for share, hours in _STATISTICS["lead_time_hours_quantiles"].items()),
    (1.0, _MAX_LEAD_HOURS),
]


_REQUEST_SHARE, _WEB_SHARE = 0.2, 0.8


def draw_party_size(rng: random.Random) -> int:
    """Draw a party of 1 to 20."""
    return draw_weighted(PARTY_SHARES, rng)


def draw_visit_time(day: date, zone: ZoneInfo, rng: random.Random) -> datetime:
    """Draw the aware time of a visit on local date ``day``, on a quarter of an hour."""
    at = time(draw_weighted(HOUR_SHARES, rng), draw_weighted(_MINUTE_SHARES, rng))
    return datetime.combine(day, at, zone)


def compute_lead_hours(share: float) -> float:
    """Return the lead time in hours of the quantile ``share`` (0 to 1)."""
    for (low, start), (high, end) in pairwise(_LEAD_TIME_QUANTILES):
        if share <= high:
            return start + (end - start) * (share - low) / (high - low)
    return _MAX_LEAD_HOURS


def compute_lead_share(hours: float) -> float:
    """Return the share of bookings with a lead time below ``hours``."""
    index = bisect_left([end for _, end in _LEAD_TIME_QUANTILES], hours)
    if index >= len(_LEAD_TIME_QUANTILES):
        return 1.0
    if index == 0:
        return 0.0
    (low, start), (high, end) = _LEAD_TIME_QUANTILES[index - 1], _LEAD_TIME_QUANTILES[index]
    return low + (high - low) * (hours - start) / (end - start)


def draw_lead_time(rng: random.Random, minimum: timedelta = timedelta(0)) -> timedelta:
    """Draw a lead time of at least ``minimum``."""
    min_share = compute_lead_share(minimum.total_seconds() / 3600)
    return timedelta(hours=compute_lead_hours(rng.uniform(min_share, 1.0)))


_NAMELESS_SHARE = 0.5


class BookingGenerator:
    """Plan a local day's new bookings, changes, walk-ins and guest edits."""

    def __init__(self, store: SandboxStore, rid: int, day: date, rng: random.Random) -> None:
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
        """Take a booking at ``at``; return the actions of its visit if that is today."""
        guest = self._guest_actions.add(*generate_guest_details(self._rng))
        row = self._reservation_actions.create(
            self._draw_scheduled_time(at),
            draw_party_size(self._rng),
            guest_key=guest.key,
            request=self._rng.choice(SAMPLE_REQUESTS),
        )
        return (
            self._visit_planner.plan_expected_visit(row)
            if row.scheduled_local[:10] == self._day.isoformat()
            else []
        )

    def create_walk_in(self, at: datetime) -> list[SimulatedAction]:
        """Seat a walk-in; half of them have a guest record without a name."""
        is_nameless = self._rng.random() < _NAMELESS_SHARE
        guest_key = self._guest_actions.add().key if is_nameless else None
        row = self._visit_actions.add_walk_in(draw_party_size(self._rng), at, guest_key=guest_key)
        return self._visit_planner.plan_courses(row, at, closed=True)

    def create_waitlist_entry(self, at: datetime) -> list[SimulatedAction]:
        """Put a party on the waiting list and seat it 25 minutes later."""
        row = self._visit_actions.add_to_waitlist(draw_party_size(self._rng), at, minutes=25)
        return self._visit_planner.plan_seating(row, at + timedelta(minutes=25), closed=True)

    def change_booking(self, _at: datetime) -> list[SimulatedAction]:
        """Change one later booking: its time, party, table, note, tags or state."""
        later_bookings = self._list_later_bookings()
        if later_bookings:
            self._apply_random_change(self._rng.choice(later_bookings))
        return []

    def merge_guests(self, _at: datetime) -> list[SimulatedAction]:
        """Merge two records of one guest."""
        named_guests = self._list_named_guests()
        if len(named_guests) > 1:
            loser, survivor = self._rng.sample(named_guests, 2)
            self._guest_actions.merge(loser.key, survivor.key)
        return []

    def correct_guest(self, _at: datetime) -> list[SimulatedAction]:
        """Correct one guest's details, wishes included."""
        named_guests = self._list_named_guests()
        if named_guests:
            guest = self._rng.choice(named_guests)
            first, last, email, phone = generate_guest_details(self._rng)
            self._guest_actions.rename(guest.key, first, last)
            self._guest_actions.update_contact(guest.key, email, phone)
            self._guest_actions.set_preferences(
                guest.key,
                email_opt_in=True,
                marketing_opt_out=self._rng.choice((True, False)),
            )
        return []

    def close_open_visits(self) -> list[SimulatedAction]:
        """Close open visits, as OpenTable does after closing time."""
        self._visit_actions.close_open_visits(self._day)
        return []

    def _list_named_guests(self) -> list[SandboxGuest]:
        guests = self._store.list_guests(self._rid)
        return [guest for guest in guests if guest.last_name and not guest.archived]

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
            lambda: self._reservation_actions.change_party_size(key, draw_party_size(rng)),
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
        lead = draw_lead_time(self._rng)
        scheduled = draw_visit_time(
            (at + lead).astimezone(self._zone).date(), self._zone, self._rng
        )
        # A drawn hour of today may have passed.
        return scheduled if scheduled > at else scheduled + timedelta(days=1)


POPULATED_DAYS_BACK, POPULATED_DAYS_AHEAD = 30, 42
_GUESTS_PER_BOOKING = 0.6

_PAST_STATE_SHARES = {
    "Done": 0.78,
    "Cancelled": 0.1,
    "NoShow": 0.05,
    "AssumedDone": 0.05,
    "AssumedSeated": 0.02,
}

_FUTURE_STATE_SHARES = {
    "NotConfirmed": 0.55,
    "Confirmed": 0.35,
    "LeftMessage": 0.03,
    "Cancelled": 0.07,
}


def populate_store(store: SandboxStore, rid: int, count: int, seed: int = 0) -> None:
    """Add ``count`` reservations from 30 days ago to 42 days ahead, repeatable by ``seed``.

    No timestamp lies in the store's future. Listeners are not called.
    """
    rng = random.Random(seed)
    guest_actions = GuestActions(store, rid)
    guest_count = int(count * _GUESTS_PER_BOOKING)
    guests = [guest_actions.add(*generate_guest_details(rng)).key for _ in range(guest_count)]
    store.load_reservations(
        _build_booking(store, rid, day, guests, rng) for day in _draw_days(store, rid, count, rng)
    )


def _draw_days(store: SandboxStore, rid: int, count: int, rng: random.Random) -> Iterator[date]:
    today = store.now().astimezone(store.get_restaurant(rid).zone).date()
    days = [
        today + timedelta(days=n) for n in range(-POPULATED_DAYS_BACK, POPULATED_DAYS_AHEAD + 1)
    ]
    # Of the visits n days ahead, only those with a longer lead time are booked by now.
    weights = [
        _WEEKDAY_SHARES[day.weekday()] * (1 - compute_lead_share((day - today).days * 24.0))
        for day in days
    ]
    return iter(rng.choices(days, weights, k=count))


def _build_booking(
    store: SandboxStore, rid: int, day: date, guests: list[str], rng: random.Random
) -> SandboxReservation:
    now = store.now()
    scheduled = draw_visit_time(day, store.get_restaurant(rid).zone, rng).astimezone(UTC)
    lead = draw_lead_time(rng, minimum=max(timedelta(0), scheduled - now))
    # No timestamp lies in the future: a visit ahead is booked by now.
    created = min(scheduled - lead, now).replace(microsecond=0)
    booked = SandboxReservation(
        rid=rid,
        key=store.generate_key(),
        scheduled=scheduled,
        party_size=draw_party_size(rng),
        created=created,
        updated=created,
        guest_key=rng.choice(guests) if guests else None,
        guest_request=rng.choice(SAMPLE_REQUESTS) if rng.random() < _REQUEST_SHARE else "",
        origin="Web" if rng.random() < _WEB_SHARE else "Phone",
    )
    # The longest visit ends within four hours.
    is_past = booked.scheduled < now - timedelta(hours=4)
    shares = _PAST_STATE_SHARES if is_past else _FUTURE_STATE_SHARES
    state = draw_weighted(shares, rng)
    if is_past:
        changed = min(now, booked.scheduled + timedelta(hours=4))
    else:
        changed = (created + (now - created) * rng.random()).replace(microsecond=0)
    updated = replace(booked, state=state, updated=changed)
    if state == "Cancelled":
        return replace(updated, cancelled=changed)
    if state in {"Done", "AssumedDone"}:
        return _add_visit_times(updated, rng)
    return updated


def _add_visit_times(row: SandboxReservation, rng: random.Random) -> SandboxReservation:
    arrived = row.scheduled + timedelta(minutes=rng.randrange(15))
    seated = arrived + timedelta(minutes=rng.randrange(10))
    done = seated + timedelta(minutes=rng.randrange(60, 130))
    tables = (str(rng.randrange(1, 30)),)
    closed = done if row.state == "Done" else None
    return replace(row, arrived=arrived, seated=seated, done=closed, tables=tables)
