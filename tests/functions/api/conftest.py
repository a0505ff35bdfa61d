from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.edge import paths
from shared.edge.directory import RestaurantDirectory
from shared.edge.secrets import CredentialCache, SecretsFileSource
from shared.edge.staff.membership import StaffRoles
from shared.edge.staff.secret_stores import SecretsFileStore, build_secret_store
from shared.edge.staff.staffroom import ApiContext
from shared.edge.staff.tokens import IdTokenVerifier
from tests.functions.api.caller import Caller, served, unsigned
from tests.functions.api.safe_file import OLD_SECRET, SafeFile
from tests.timer import Timer
from tests.world import World


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def room(world: World, timer: Timer) -> ApiContext:
    services = world.services
    memberships = StaffRoles(services.firestore, timer)
    tokens = IdTokenVerifier(services.firestore.project)
    return ApiContext(
        services, tokens, memberships, partial(build_secret_store, services.environment)
    )


@pytest.fixture
def safe(tmp_path: Path, world: World) -> SafeFile:
    """The secrets of `filed`: the restaurant's own, in the middle of a rotation."""
    held = {"clientId": "me", "clientSecret": "hush", "webhookSecrets": [OLD_SECRET, "whsec_b2xk"]}
    file = SafeFile(tmp_path / "secrets.json", world.restaurant.secret)
    file.write(held)
    return file


@pytest.fixture
def filed(room: ApiContext, safe: SafeFile) -> ApiContext:
    """The staffroom, its secrets in a file."""
    path = str(safe.path)
    secrets = CredentialCache(partial(SecretsFileSource, path), Timer())
    directory = RestaurantDirectory(room.app_context.firestore, secrets, None, Timer())
    store = SecretsFileStore(path)
    return replace(
        room,
        app_context=replace(room.app_context, directory=directory),
        get_secret_store=lambda: store,
    )


@pytest.fixture
def nobody(room: ApiContext, world: World) -> Caller:
    return Caller(served(room), world.restaurant.id, None)


@pytest.fixture
def visitor(nobody: Caller, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Nobody yet, where tokens in the Auth emulator's form are taken."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099")
    return nobody


@pytest.fixture
async def host(visitor: Caller, world: World) -> Caller:
    return await join(visitor, world, "hanna", "host")


@pytest.fixture
async def manager(visitor: Caller, world: World) -> Caller:
    return await join(visitor, world, "mara", "manager")


@pytest.fixture
def operator(visitor: Caller, project: str) -> Caller:
    return visitor.with_token(unsigned(project, "olga", operator=True))


async def join(caller: Caller, world: World, uid: str, role: str) -> Caller:
    """Add somebody to the restaurant's staff."""
    firestore = world.services.firestore
    await paths.staff_member_document(firestore, world.restaurant.id, uid).set({"role": role})
    return caller.with_token(unsigned(firestore.project, uid))
