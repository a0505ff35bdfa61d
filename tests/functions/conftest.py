import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.cloud.firestore import AsyncClient

from dev.emulator import Emulator
from dev.processes import LOOPBACK, find_free_port
from dev.sandbox.signing import encode_signing_secret
from tests.local_opentable import LocalOpenTable, serving_opentable
from tests.page import Page
from tests.restaurants import keep_secret, new_restaurant, seed
from tests.sender import Sender
from tests.served import Served, serving

Welcome = Callable[..., Awaitable[Sender]]


@pytest.fixture(scope="session")
def webhook_project() -> str:
    return f"webhook-{uuid.uuid4().hex[:16]}"


@pytest.fixture(scope="session")
def secrets_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets") / "secrets.json"


@pytest.fixture(scope="session")
def local_opentable() -> Iterator[LocalOpenTable]:
    with serving_opentable() as started:
        yield started


@pytest.fixture(scope="session")
def served(
    emulator: Emulator, webhook_project: str, secrets_file: Path, local_opentable: LocalOpenTable
) -> Iterator[Served]:
    with serving(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT=webhook_project,
        FIRESTORE_EMULATOR_HOST=emulator.host,
        SECRETS_FILE=str(secrets_file),
        OPENTABLE_API_URL=local_opentable.url,
        OPENTABLE_OAUTH_URL=local_opentable.url,
    ) as started:
        yield started


@pytest.fixture(scope="session")
def stranded() -> Iterator[Served]:
    """The webhook with a Firestore that nobody serves."""
    with serving(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT="stranded",
        FIRESTORE_EMULATOR_HOST=f"{LOOPBACK}:{find_free_port()}",
    ) as started:
        yield started


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


@pytest.fixture
def welcome(
    served: Served,
    http: httpx.AsyncClient,
    firestore: AsyncClient,
    webhook_project: str,
    secrets_file: Path,
) -> Welcome:
    """Seeds a restaurant with the settings given, and returns who may speak for it."""

    async def make(credentials: dict[str, Any] | None = None, **settings: Any) -> Sender:
        client = AsyncClient(project=webhook_project)
        client._firestore_api_internal = firestore._firestore_api
        restaurant, key = new_restaurant(), encode_signing_secret(uuid.uuid4().bytes * 2)
        schemes = ["standard-webhooks", "bearer", "basic"]
        settings = {"webhookAuth": schemes, **settings}
        await seed(client, restaurant, **settings)
        kept = {"webhookSecrets": [key], "clientId": "demo-client", "clientSecret": "demo-secret"}
        keep_secret(secrets_file, restaurant.secret, kept | (credentials or {}))
        page = Page(client, restaurant.settings(**settings))
        return Sender(served.url, http, restaurant, key, page)

    return make


@pytest.fixture
async def sender(welcome: Welcome) -> Sender:
    return await welcome()
