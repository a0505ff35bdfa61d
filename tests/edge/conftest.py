import pytest
from google.cloud.firestore import AsyncClient

from shared.core.settings import IntegrationSettings
from shared.edge.directory import RestaurantDirectory
from shared.edge.ledger import Ledger
from shared.edge.secrets import CredentialCache
from tests.ledgers import new_test_ledger
from tests.page import StoredLedger
from tests.restaurants import Restaurant, seed
from tests.safe import InMemorySecretSource
from tests.statements import RID
from tests.timer import FakeTimer
from tests.wire import FirestoreSpy


@pytest.fixture
def timer() -> FakeTimer:
    return FakeTimer()


@pytest.fixture
def restaurant() -> Restaurant:
    return Restaurant("restaurant-123", RID)


@pytest.fixture
def restaurant_settings(restaurant: Restaurant) -> IntegrationSettings:
    return restaurant.settings()


@pytest.fixture
def firestore_spy(firestore: AsyncClient) -> FirestoreSpy:
    return FirestoreSpy(firestore)


@pytest.fixture
def ledger(firestore_spy: FirestoreSpy, restaurant_settings: IntegrationSettings) -> Ledger:
    return new_test_ledger(firestore_spy.client, restaurant_settings)


@pytest.fixture
def stored_ledger(firestore: AsyncClient, restaurant_settings: IntegrationSettings) -> StoredLedger:
    return StoredLedger(firestore, restaurant_settings)


@pytest.fixture
def fake_secret_source() -> InMemorySecretSource:
    return InMemorySecretSource()


@pytest.fixture
def directory(
    firestore_spy: FirestoreSpy, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> RestaurantDirectory:
    return RestaurantDirectory(
        firestore_spy.client, CredentialCache(lambda: fake_secret_source, timer), "partner", timer
    )


@pytest.fixture
async def seeded_restaurant(firestore: AsyncClient, restaurant: Restaurant) -> Restaurant:
    await seed(firestore, restaurant)
    return restaurant
