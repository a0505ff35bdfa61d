"""Fills a book at once: a month of past visits and the bookings of the weeks to come."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from dev.sandbox import patterns
from dev.sandbox.book import SandboxStore
from dev.sandbox.guestbook import GuestActions
from dev.sandbox.people import SAMPLE_REQUESTS, generate_guest_details
from dev.sandbox.records import SandboxReservation

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
    """Enter ``count`` reservations around the book's present, 30 days back to 42 ahead.

    No stamp lies ahead of the book's time, and listeners hear nothing: these bookings are older
    than any listener. ``seed`` makes them repeatable.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable bookings are wanted
    guests = _create_guests(store, rid, int(count * _GUESTS_PER_BOOKING), rng)
    store.load_reservations(
        _build_booking(store, rid, day, guests, rng) for day in _draw_days(store, rid, count, rng)
    )


def _create_guests(store: SandboxStore, rid: int, count: int, rng: random.Random) -> list[str]:
    guestbook = GuestActions(store, rid)
    return [guestbook.add(*generate_guest_details(rng)).key for _ in range(count)]


def _draw_days(store: SandboxStore, rid: int, count: int, rng: random.Random) -> Iterator[date]:
    today = store.now().astimezone(store.get_restaurant(rid).zone).date()
    days = [
        today + timedelta(days=n) for n in range(-POPULATED_DAYS_BACK, POPULATED_DAYS_AHEAD + 1)
    ]
    # Of the visits n days ahead, only those with a longer lead time are booked by now.
    weights = [
        patterns.get_weekday_weight(day)
        * (1 - patterns.compute_lead_share((day - today).days * 24.0))
        for day in days
    ]
    return iter(rng.choices(days, weights, k=count))


def _build_booking(
    store: SandboxStore, rid: int, day: date, guests: list[str], rng: random.Random
) -> SandboxReservation:
    now = store.now()
    scheduled = patterns.draw_visit_time(day, store.get_restaurant(rid).zone, rng).astimezone(UTC)
    lead = patterns.draw_lead_time(rng, minimum=max(timedelta(0), scheduled - now))
    created = min(scheduled - lead, now).replace(microsecond=0)
    booked = SandboxReservation(
        rid=rid,
        key=store.generate_key(),
        scheduled=scheduled,
        party_size=patterns.draw_party_size(rng),
        created=created,
        updated=created,
        guest_key=rng.choice(guests) if guests else None,
        guest_request=rng.choice(SAMPLE_REQUESTS) if rng.random() < 0.2 else "",  # noqa: PLR2004
        origin="Web" if rng.random() < 0.8 else "Phone",  # noqa: PLR2004
    )
    return _apply_outcome(booked, now, rng)


def _apply_outcome(
    booked: SandboxReservation, now: datetime, rng: random.Random
) -> SandboxReservation:
    is_past = booked.scheduled < now - timedelta(hours=4)
    shares = _PAST_STATE_SHARES if is_past else _FUTURE_STATE_SHARES
    state = rng.choices(list(shares), list(shares.values()))[0]
    changed = (
        min(now, booked.scheduled + timedelta(hours=4))
        if is_past
        else _draw_change_time(booked, now, rng)
    )
    updated = replace(booked, state=state, updated=changed)
    if state == "Cancelled":
        return replace(updated, cancelled=changed)
    if state in {"Done", "AssumedDone"}:
        return _add_visit_times(updated, rng)
    return updated


def _draw_change_time(booked: SandboxReservation, now: datetime, rng: random.Random) -> datetime:
    return (booked.created + (now - booked.created) * rng.random()).replace(microsecond=0)


def _add_visit_times(row: SandboxReservation, rng: random.Random) -> SandboxReservation:
    arrived = row.scheduled + timedelta(minutes=rng.randrange(15))
    seated = arrived + timedelta(minutes=rng.randrange(10))
    done = seated + timedelta(minutes=rng.randrange(60, 130))
    tables = (str(rng.randrange(1, 30)),)
    closed = done if row.state == "Done" else None
    return replace(row, arrived=arrived, seated=seated, done=closed, tables=tables)
