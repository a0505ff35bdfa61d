"""The staff API of the test restaurant, and callers with each role."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from dev.local.auth_emulator import LocalAccounts
from functions.api.auth import ApiContext
from shared.firestore import paths
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import CredentialCache, SecretsFileStore
from shared.staff.accounts import UserAccounts
from shared.staff.identity import IdTokenVerifier, StaffRoles
from tests.support.clocks import FakeTimer
from tests.support.staff_api import (
    OLD_WEBHOOK_SECRET,
    RestaurantSecretFile,
    StaffApiClient,
    api_transport,
)
from tests.support.world import World


@pytest.fixture
def secret_file(tmp_path: Path, world: World) -> RestaurantSecretFile:
    """The file with the restaurant's secret, in the middle of a webhook key rotation."""
    file = RestaurantSecretFile(tmp_path / "secrets.json", world.restaurant.secret)
    file.write(
        {
            "clientId": "me",
            "clientSecret": "hush",
            "webhookSecrets": [OLD_WEBHOOK_SECRET, "whsec_b2xk"],
        }
    )
    return file


@pytest.fixture
def api_context(world: World, timer: FakeTimer, secret_file: RestaurantSecretFile) -> ApiContext:
    firestore, store = world.context.firestore, SecretsFileStore(str(secret_file.path))
    credentials = CredentialCache(store.read, FakeTimer())
    directory = RestaurantDirectory(firestore, credentials, None, FakeTimer())
    accounts = UserAccounts(firestore.project, timer)
    return ApiContext(
        replace(world.context, directory=directory, secret_store=store),
        IdTokenVerifier(firestore.project, accounts),
        StaffRoles(firestore, timer),
        accounts,
    )


@pytest.fixture
def anonymous_client(api_context: ApiContext, world: World) -> StaffApiClient:
    return StaffApiClient(api_transport(api_context), world.restaurant.id, None)


@pytest.fixture
def emulator_client(
    anonymous_client: StaffApiClient, local_accounts: LocalAccounts
) -> StaffApiClient:
    """A client without a token; the API accepts the unsigned tokens of the Auth emulator."""
    assert local_accounts.lookup_count == 0
    return anonymous_client


@pytest.fixture
async def host(emulator_client: StaffApiClient, world: World) -> StaffApiClient:
    return await create_member_client(emulator_client, world, "hanna", "host")


@pytest.fixture
async def manager(emulator_client: StaffApiClient, world: World) -> StaffApiClient:
    return await create_member_client(emulator_client, world, "mara", "manager")


@pytest.fixture
def operator(emulator_client: StaffApiClient, local_accounts: LocalAccounts) -> StaffApiClient:
    claims = json.dumps({"operator": True})
    local_accounts.add("olga", "olga@example.com", customAttributes=claims)
    return emulator_client.sign_in("olga", operator=True)


async def create_member_client(
    client: StaffApiClient, world: World, uid: str, role: str
) -> StaffApiClient:
    """Add a member to the restaurant's staff and return a client with their token."""
    member = paths.staff_member_document(world.context.firestore, world.restaurant.id, uid)
    await member.set({"role": role})
    return client.sign_in(uid)
