from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.edge import paths
from shared.edge.directory import Directory
from shared.edge.secrets import Secrets, SecretsFile
from shared.edge.staff.membership import Memberships
from shared.edge.staff.secret_stores import FileStore, secret_store
from shared.edge.staff.staffroom import Staffroom
from shared.edge.staff.tokens import Tokens
from tests.functions.api.caller import Caller, served, unsigned
from tests.functions.api.safe_file import OLD_SECRET, SafeFile
from tests.timer import Timer
from tests.world import World


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def room(world: World, timer: Timer) -> Staffroom:
    services = world.services
    memberships = Memberships(services.firestore, timer)
    tokens = Tokens(services.firestore.project)
    return Staffroom(services, tokens, memberships, partial(secret_store, services.environment))


@pytest.fixture
def safe(tmp_path: Path, world: World) -> SafeFile:
    """The secrets of `filed`: the restaurant's own, in the middle of a rotation."""
    held = {"clientId": "me", "clientSecret": "hush", "webhookSecrets": [OLD_SECRET, "whsec_b2xk"]}
    file = SafeFile(tmp_path / "secrets.json", world.restaurant.secret)
    file.write(held)
    return file


@pytest.fixture
def filed(room: Staffroom, safe: SafeFile) -> Staffroom:
    """The staffroom, its secrets in a file."""
    path = str(safe.path)
    secrets = Secrets(partial(SecretsFile, path), Timer())
    directory = Directory(room.services.firestore, secrets, None, Timer())
    store = FileStore(path)
    return replace(
        room, services=replace(room.services, directory=directory), secret_store=lambda: store
    )


@pytest.fixture
def nobody(room: Staffroom, world: World) -> Caller:
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
    await paths.staff(firestore, world.restaurant.id, uid).set({"role": role})
    return caller.with_token(unsigned(firestore.project, uid))
