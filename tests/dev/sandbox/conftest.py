from datetime import UTC, datetime

import pytest

from dev.sandbox.answers import Sandbox
from dev.sandbox.book import Book
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import Desk
from dev.sandbox.floor import Floor
from dev.sandbox.guestbook import Guestbook
from dev.sandbox.records import Reservation, Restaurant
from dev.sandbox.tokens import Partner
from tests.dev.sandbox.caller import NEW_YORK, RID, TONIGHT, Caller


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 14, 15, tzinfo=UTC))


@pytest.fixture
def book(clock: ManualClock) -> Book:
    book = Book(clock)
    book.open(Restaurant(RID, "Demo", NEW_YORK))
    return book


@pytest.fixture
def desk(book: Book) -> Desk:
    return Desk(book, RID)


@pytest.fixture
def floor(book: Book) -> Floor:
    return Floor(book, RID)


@pytest.fixture
def guests(book: Book) -> Guestbook:
    return Guestbook(book, RID)


@pytest.fixture
def booked(desk: Desk) -> Reservation:
    return desk.book(TONIGHT, 4)


@pytest.fixture
def partner() -> Partner:
    return Partner("client", "secret", "gold", {RID}, api_key="key")


@pytest.fixture
def sandbox(book: Book, partner: Partner) -> Sandbox:
    return Sandbox(book, [partner])


@pytest.fixture
def caller(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


@pytest.fixture
def three(desk: Desk, clock: ManualClock) -> list[str]:
    """Three bookings, an hour apart in every respect; their keys in order of booking."""
    keys = []
    for hour in (18, 19, 20):
        keys.append(desk.book(TONIGHT.replace(hour=hour, minute=0), 2).key)
        clock.advance(3600)
    return keys
