from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.firestore import paths
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import (
    CredentialCache,
    SecretsFileStore,
)
from shared.staff.auth import ApiContext, IdTokenVerifier, StaffRoles
from tests.support.clocks import FakeTimer
from tests.support.staff_api import (
    OLD_WEBHOOK_SECRET,
    RestaurantSecretFile,
    StaffApiClient,
    api_transport,
    unsigned_id_token,
)
from tests.support.world import World


@pytest.fixture
def timer() -> FakeTimer:
    return FakeTimer()


@pytest.fixture
def api_context(world: World, timer: FakeTimer) -> ApiContext:
    services = world.services
    memberships = StaffRoles(services.firestore, timer)
    tokens = IdTokenVerifier(services.firestore.project)
    return ApiContext(services, tokens, memberships)


@pytest.fixture
def secret_file(tmp_path: Path, world: World) -> RestaurantSecretFile:
    """The restaurant's secret in `api_context_with_secret_file`, during a rotation."""
    credentials = {
        "clientId": "me",
        "clientSecret": "hush",
        "webhookSecrets": [OLD_WEBHOOK_SECRET, "whsec_b2xk"],
    }
    file = RestaurantSecretFile(tmp_path / "secrets.json", world.restaurant.secret)
    file.write(credentials)
    return file


@pytest.fixture
def api_context_with_secret_file(
    api_context: ApiContext, secret_file: RestaurantSecretFile
) -> ApiContext:
    """The staffroom, its secrets in a file."""
    store = SecretsFileStore(str(secret_file.path))
    secrets = CredentialCache(store.read, FakeTimer())
    directory = RestaurantDirectory(api_context.app_context.firestore, secrets, None, FakeTimer())
    app_context = replace(api_context.app_context, directory=directory, secret_store=store)
    return replace(api_context, app_context=app_context)


@pytest.fixture
def anonymous_client(api_context: ApiContext, world: World) -> StaffApiClient:
    return StaffApiClient(api_transport(api_context), world.restaurant.id, None)


@pytest.fixture
def client_accepting_emulator_tokens(
    anonymous_client: StaffApiClient, monkeypatch: pytest.MonkeyPatch
) -> StaffApiClient:
    """Nobody yet, where tokens in the Auth emulator's form are taken."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099")
    return anonymous_client


@pytest.fixture
async def host(client_accepting_emulator_tokens: StaffApiClient, world: World) -> StaffApiClient:
    return await add_staff_member(client_accepting_emulator_tokens, world, "hanna", "host")


@pytest.fixture
async def manager(client_accepting_emulator_tokens: StaffApiClient, world: World) -> StaffApiClient:
    return await add_staff_member(client_accepting_emulator_tokens, world, "mara", "manager")


@pytest.fixture
def operator(client_accepting_emulator_tokens: StaffApiClient, project: str) -> StaffApiClient:
    return client_accepting_emulator_tokens.with_token(
        unsigned_id_token(project, "olga", operator=True)
    )


async def add_staff_member(
    caller: StaffApiClient, world: World, uid: str, role: str
) -> StaffApiClient:
    """Add somebody to the restaurant's staff."""
    firestore = world.services.firestore
    await paths.staff_member_document(firestore, world.restaurant.id, uid).set({"role": role})
    return caller.with_token(unsigned_id_token(firestore.project, uid))
