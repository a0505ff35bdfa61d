import pytest

from sandbox.actions import GuestActions, ReservationActions, VisitActions
from sandbox.api import OpenTableApi
from sandbox.clock import ManualClock
from sandbox.models import SandboxReservation, SandboxRestaurant
from sandbox.oauth import Partner
from sandbox.store import SandboxStore
from tests.sandbox.client import NEW_YORK, NOW, RID, SANDBOX_VISIT_TIME, Inbox, SandboxClient


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def store(clock: ManualClock) -> SandboxStore:
    made = SandboxStore(clock)
    made.add_restaurant(SandboxRestaurant(RID, "Demo", NEW_YORK))
    return made


@pytest.fixture
def reservation_actions(store: SandboxStore) -> ReservationActions:
    return ReservationActions(store, RID)


@pytest.fixture
def visit_actions(store: SandboxStore) -> VisitActions:
    return VisitActions(store, RID)


@pytest.fixture
def guest_actions(store: SandboxStore) -> GuestActions:
    return GuestActions(store, RID)


@pytest.fixture
def reservation(reservation_actions: ReservationActions) -> SandboxReservation:
    return reservation_actions.create(SANDBOX_VISIT_TIME, 4)


@pytest.fixture
def partner() -> Partner:
    return Partner("client", "secret", "gold", {RID}, api_key="key")


@pytest.fixture
def sandbox(store: SandboxStore, partner: Partner) -> OpenTableApi:
    return OpenTableApi(store, [partner])


@pytest.fixture
def sandbox_client(sandbox: OpenTableApi) -> SandboxClient:
    return SandboxClient(sandbox)


@pytest.fixture
def inbox(clock: ManualClock) -> Inbox:
    return Inbox(clock)


@pytest.fixture
def three_reservations(reservation_actions: ReservationActions, clock: ManualClock) -> list[str]:
    """Three bookings, an hour apart in every respect; their keys in order of booking."""
    keys = []
    for hour in (18, 19, 20):
        keys.append(
            reservation_actions.create(SANDBOX_VISIT_TIME.replace(hour=hour, minute=0), 2).key
        )
        clock.advance(3600)
    return keys
