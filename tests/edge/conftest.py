import pytest
from google.cloud.firestore import AsyncClient

from shared.core.settings import IntegrationSettings
from shared.edge.directory import RestaurantDirectory
from shared.edge.ledger import Ledger
from shared.edge.secrets import CredentialCache
from tests.ledgers import new_ledger
from tests.page import Page
from tests.restaurants import Restaurant, seed
from tests.safe import Safe
from tests.statements import RID
from tests.timer import Timer
from tests.wire import Wire


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def restaurant() -> Restaurant:
    return Restaurant("restaurant-123", RID)


@pytest.fixture
def settings(restaurant: Restaurant) -> IntegrationSettings:
    return restaurant.settings()


@pytest.fixture
def wire(firestore: AsyncClient) -> Wire:
    return Wire(firestore)


@pytest.fixture
def ledger(wire: Wire, settings: IntegrationSettings) -> Ledger:
    return new_ledger(wire.client, settings)


@pytest.fixture
def page(firestore: AsyncClient, settings: IntegrationSettings) -> Page:
    return Page(firestore, settings)


@pytest.fixture
def safe() -> Safe:
    return Safe()


@pytest.fixture
def directory(wire: Wire, safe: Safe, timer: Timer) -> RestaurantDirectory:
    return RestaurantDirectory(wire.client, CredentialCache(lambda: safe, timer), "partner", timer)


@pytest.fixture
async def seeded(firestore: AsyncClient, restaurant: Restaurant) -> Restaurant:
    await seed(firestore, restaurant)
    return restaurant
