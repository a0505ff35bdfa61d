"""The shared Firestore emulator, and a project and a world for each test."""

import contextlib
import os
import platform
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import stamina
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
from hypothesis import HealthCheck, settings

from dev.local.auth_emulator import LocalAccounts
from dev.local.emulator import Emulator, start_emulator
from dev.local.emulator_files import EmulatorError
from dev.local.processes import wait_until_reachable
from dev.release import DEPLOYED_PYTHON
from shared.domain.settings import IntegrationSettings
from shared.firestore.raw_client import FirestoreClient
from shared.ledger.ledger import Ledger
from shared.opentable.transport import MAX_CALL_ATTEMPTS
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import CredentialCache
from tests.support.accounts import ServedAccounts, serve_accounts
from tests.support.clocks import FakeTimer
from tests.support.cloud_tasks import FakeCloudTasks, serve_fake_cloud_tasks
from tests.support.events import RID
from tests.support.figures import COUNT_PROPERTY, CountFigure, FigureReporter
from tests.support.firestore import FirestoreSpy, make_client, open_connection
from tests.support.ledger import StoredLedger, new_test_ledger
from tests.support.opentable import LocalOpenTable, serve_local_opentable
from tests.support.query_recorder import QueryRecorder
from tests.support.restaurants import InMemorySecretSource, Restaurant, seed
from tests.support.world import World, make_world

_HOST = "FIRESTORE_EMULATOR_HOST"
_ANSWER_SECONDS = 10


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make soak`."""
    parser.addoption(
        "--write", action="store_true", help="write counts and drills to docs/performance.md"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Record queries; start one emulator for all xdist workers, which inherit its address.

    Without workers it starts when the first test needs it.
    """
    config.pluginmanager.register(QueryRecorder(config))
    config.pluginmanager.register(FigureReporter())
    if _HOST in os.environ or not config.getoption("numprocesses", None):
        return
    kept = contextlib.ExitStack()
    config.add_cleanup(kept.close)
    try:
        os.environ[_HOST] = kept.enter_context(start_emulator()).host
    except EmulatorError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_report_header() -> str:
    """Return the Python of this run and the one of the deployed functions."""
    return f"tested on Python {platform.python_version()}, deployed on {DEPLOYED_PYTHON}"


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """The emulator of FIRESTORE_EMULATOR_HOST, or a new one for this run."""
    if _HOST in os.environ:
        wait_until_reachable(f"http://{os.environ[_HOST]}/", _ANSWER_SECONDS)
        yield Emulator(os.environ[_HOST])
        return
    with start_emulator() as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv(_HOST, started.host)
        yield started


@pytest.fixture
def project() -> str:
    """A new project id; the emulator creates projects on first use."""
    return f"test-{uuid.uuid4().hex[:16]}"


@pytest.fixture(scope="session")
async def firestore_api(emulator: Emulator) -> AsyncIterator[FirestoreAsyncClient]:
    """The session's one connection: a connection of its own would cost each test 16 ms."""
    async with open_connection(emulator.host) as api:
        yield api


@pytest.fixture
def firestore(firestore_api: FirestoreAsyncClient, project: str) -> FirestoreClient:
    """A client for the test's own project."""
    return make_client(project, firestore_api)


@pytest.fixture
async def world(firestore: FirestoreClient) -> AsyncIterator[World]:
    """Both sides of one restaurant, made for the test."""
    made = await make_world(firestore)
    yield made
    made.executor.shutdown()


# Every run tries other examples. HYPOTHESIS_PROFILE=fast tries fewer of them, deep many more, and
# soak also runs the machine and the load for hours. With ci and mutate every run tries the same
# ones: a release must not fail by chance, and a mutant must not survive by chance.
settings.register_profile("default", max_examples=50, deadline=None, print_blob=True)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.register_profile("fast", settings.get_profile("default"), max_examples=10)
settings.register_profile("deep", settings.get_profile("default"), max_examples=2_000)
settings.register_profile("soak", settings.get_profile("deep"))
settings.register_profile(
    "mutate", max_examples=20, deadline=None, derandomize=True, suppress_health_check=HealthCheck
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def count_figure(record_property: Callable[[str, object], None]) -> CountFigure:
    """Puts numbers below the results, each as the sum of all tests that counted this."""

    def put(name: str, number: int) -> None:
        record_property(COUNT_PROPERTY, (name, number))

    return put


@pytest.fixture
def no_commit_retry_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.ledger.ledger._MAX_PAUSE_SECONDS", 0.0)


@pytest.fixture
def no_opentable_retry_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=MAX_CALL_ATTEMPTS, cap=True):
        yield


@pytest.fixture
def timer() -> FakeTimer:
    return FakeTimer()


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def secrets_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets") / "secrets.json"


@pytest.fixture(scope="session")
def local_opentable() -> Iterator[LocalOpenTable]:
    with serve_local_opentable() as started:
        yield started


@pytest.fixture(scope="session")
def served_accounts() -> Iterator[ServedAccounts]:
    with serve_accounts() as started:
        yield started


@pytest.fixture
def local_accounts(
    served_accounts: ServedAccounts, monkeypatch: pytest.MonkeyPatch
) -> LocalAccounts:
    """The accounts of Firebase Authentication, none at first."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", served_accounts.host)
    served_accounts.accounts.users.clear()
    served_accounts.accounts.lookup_count = 0
    served_accounts.accounts.failure_status = None
    return served_accounts.accounts


@pytest.fixture
async def tasks() -> AsyncIterator[FakeCloudTasks]:
    async with serve_fake_cloud_tasks() as fake:
        yield fake


@pytest.fixture
def restaurant() -> Restaurant:
    return Restaurant("restaurant-123", RID)


@pytest.fixture
def restaurant_settings(restaurant: Restaurant) -> IntegrationSettings:
    return restaurant.settings()


@pytest.fixture
def firestore_spy(firestore: FirestoreClient) -> FirestoreSpy:
    return FirestoreSpy(firestore)


@pytest.fixture
def ledger(firestore_spy: FirestoreSpy, restaurant_settings: IntegrationSettings) -> Ledger:
    return new_test_ledger(firestore_spy.client, restaurant_settings)


@pytest.fixture
def stored_ledger(
    firestore: FirestoreClient, restaurant_settings: IntegrationSettings
) -> StoredLedger:
    return StoredLedger(firestore, restaurant_settings)


@pytest.fixture
def fake_secret_source() -> InMemorySecretSource:
    return InMemorySecretSource()


@pytest.fixture
def directory(
    firestore_spy: FirestoreSpy, fake_secret_source: InMemorySecretSource, timer: FakeTimer
) -> RestaurantDirectory:
    return RestaurantDirectory(
        firestore_spy.client, CredentialCache(fake_secret_source.read, timer), "partner", timer
    )


@pytest.fixture
async def seeded_restaurant(firestore: FirestoreClient, restaurant: Restaurant) -> Restaurant:
    await seed(firestore, restaurant)
    return restaurant
