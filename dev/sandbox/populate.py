"""Fills a book at once: a month of past visits and the bookings of the weeks to come."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from dev.sandbox import patterns
from dev.sandbox.book import Book
from dev.sandbox.guestbook import Guestbook
from dev.sandbox.people import REQUESTS, made_up
from dev.sandbox.records import Reservation

DAYS_BACK, DAYS_AHEAD = 30, 42
_GUESTS_PER_BOOKING = 0.6
_PAST = {"Done": 0.78, "Cancelled": 0.1, "NoShow": 0.05, "AssumedDone": 0.05, "AssumedSeated": 0.02}
_AHEAD = {"NotConfirmed": 0.55, "Confirmed": 0.35, "LeftMessage": 0.03, "Cancelled": 0.07}


def populate(book: Book, rid: int, count: int, seed: int = 0) -> None:
    """Enter ``count`` reservations around the book's present, 30 days back to 42 ahead.

    No stamp lies ahead of the book's time, and listeners hear nothing: these bookings are older
    than any listener. ``seed`` makes them repeatable.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable bookings are wanted
    guests = _guests(book, rid, int(count * _GUESTS_PER_BOOKING), rng)
    book.load(_booking(book, rid, day, guests, rng) for day in _days(book, rid, count, rng))


def _guests(book: Book, rid: int, count: int, rng: random.Random) -> list[str]:
    guestbook = Guestbook(book, rid)
    return [guestbook.add(*made_up(rng)).key for _ in range(count)]


def _days(book: Book, rid: int, count: int, rng: random.Random) -> Iterator[date]:
    today = book.now().astimezone(book.restaurant(rid).zone).date()
    days = [today + timedelta(days=n) for n in range(-DAYS_BACK, DAYS_AHEAD + 1)]
    # Of the visits n days ahead, only those with a longer lead time are booked by now.
    weights = [
        patterns.weekday_weight(day) * (1 - patterns.lead_share((day - today).days * 24.0))
        for day in days
    ]
    return iter(rng.choices(days, weights, k=count))


def _booking(book: Book, rid: int, day: date, guests: list[str], rng: random.Random) -> Reservation:
    now = book.now()
    scheduled = patterns.visit_time(day, book.restaurant(rid).zone, rng).astimezone(UTC)
    lead = patterns.lead_time(rng, at_least=max(timedelta(0), scheduled - now))
    created = min(scheduled - lead, now).replace(microsecond=0)
    booked = Reservation(
        rid=rid,
        key=book.key(),
        scheduled=scheduled,
        party_size=patterns.party_size(rng),
        created=created,
        updated=created,
        guest_key=rng.choice(guests) if guests else None,
        guest_request=rng.choice(REQUESTS) if rng.random() < 0.2 else "",  # noqa: PLR2004
        origin="Web" if rng.random() < 0.8 else "Phone",  # noqa: PLR2004
    )
    return _outcome(booked, now, rng)


def _outcome(booked: Reservation, now: datetime, rng: random.Random) -> Reservation:
    past = booked.scheduled < now - timedelta(hours=4)
    shares = _PAST if past else _AHEAD
    state = rng.choices(list(shares), list(shares.values()))[0]
    changed = (
        min(now, booked.scheduled + timedelta(hours=4)) if past else _between(booked, now, rng)
    )
    ended = replace(booked, state=state, updated=changed)
    if state == "Cancelled":
        return replace(ended, cancelled=changed)
    if state in {"Done", "AssumedDone"}:
        return _visited(ended, rng)
    return ended


def _between(booked: Reservation, now: datetime, rng: random.Random) -> datetime:
    return (booked.created + (now - booked.created) * rng.random()).replace(microsecond=0)


def _visited(row: Reservation, rng: random.Random) -> Reservation:
    arrived = row.scheduled + timedelta(minutes=rng.randrange(15))
    seated = arrived + timedelta(minutes=rng.randrange(10))
    done = seated + timedelta(minutes=rng.randrange(60, 130))
    tables = (str(rng.randrange(1, 30)),)
    closed = done if row.state == "Done" else None
    return replace(row, arrived=arrived, seated=seated, done=closed, tables=tables)
