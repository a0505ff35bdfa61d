from datetime import UTC, datetime

import pytest

from dev.sandbox.answers import OpenTableApi
from dev.sandbox.book import SandboxStore
from dev.sandbox.clock import ManualClock
from dev.sandbox.desk import ReservationActions
from dev.sandbox.floor import VisitActions
from dev.sandbox.guestbook import GuestActions
from dev.sandbox.records import SandboxReservation, SandboxRestaurant
from dev.sandbox.tokens import Partner
from tests.dev.sandbox.caller import NEW_YORK, RID, TONIGHT, Caller


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 14, 15, tzinfo=UTC))


@pytest.fixture
def book(clock: ManualClock) -> SandboxStore:
    book = SandboxStore(clock)
    book.add_restaurant(SandboxRestaurant(RID, "Demo", NEW_YORK))
    return book


@pytest.fixture
def desk(book: SandboxStore) -> ReservationActions:
    return ReservationActions(book, RID)


@pytest.fixture
def floor(book: SandboxStore) -> VisitActions:
    return VisitActions(book, RID)


@pytest.fixture
def guests(book: SandboxStore) -> GuestActions:
    return GuestActions(book, RID)


@pytest.fixture
def booked(desk: ReservationActions) -> SandboxReservation:
    return desk.create(TONIGHT, 4)


@pytest.fixture
def partner() -> Partner:
    return Partner("client", "secret", "gold", {RID}, api_key="key")


@pytest.fixture
def sandbox(book: SandboxStore, partner: Partner) -> OpenTableApi:
    return OpenTableApi(book, [partner])


@pytest.fixture
def caller(sandbox: OpenTableApi) -> Caller:
    return Caller(sandbox)


@pytest.fixture
def three(desk: ReservationActions, clock: ManualClock) -> list[str]:
    """Three bookings, an hour apart in every respect; their keys in order of booking."""
    keys = []
    for hour in (18, 19, 20):
        keys.append(desk.create(TONIGHT.replace(hour=hour, minute=0), 2).key)
        clock.advance(3600)
    return keys
