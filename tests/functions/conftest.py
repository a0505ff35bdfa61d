import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient

from dev.local.emulator import Emulator
from dev.local.processes import LOOPBACK, find_free_port
from sandbox.webhook_senders import encode_signing_secret
from tests.support.firestore import make_client
from tests.support.ledger import StoredLedger
from tests.support.opentable import LocalOpenTable
from tests.support.processes import ServedFunction, serve_deployed_function
from tests.support.restaurants import new_restaurant, seed, write_secret
from tests.support.webhooks import WebhookSender

CreateSender = Callable[..., Awaitable[WebhookSender]]


@pytest.fixture(scope="session")
def webhook_project() -> str:
    return f"webhook-{uuid.uuid4().hex[:16]}"


@pytest.fixture(scope="session")
def served_webhook(
    emulator: Emulator, webhook_project: str, secrets_file: Path, local_opentable: LocalOpenTable
) -> Iterator[ServedFunction]:
    with serve_deployed_function(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT=webhook_project,
        FIRESTORE_EMULATOR_HOST=emulator.host,
        SECRETS_FILE=str(secrets_file),
        OPENTABLE_API_URL=local_opentable.url,
        OPENTABLE_OAUTH_URL=local_opentable.url,
    ) as started:
        yield started


@pytest.fixture(scope="module")
def other_webhook(
    emulator: Emulator, webhook_project: str, secrets_file: Path
) -> Iterator[ServedFunction]:
    """A second process of the webhook, new for each module."""
    with serve_deployed_function(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT=webhook_project,
        FIRESTORE_EMULATOR_HOST=emulator.host,
        SECRETS_FILE=str(secrets_file),
    ) as started:
        yield started


@pytest.fixture(scope="session")
def webhook_without_firestore() -> Iterator[ServedFunction]:
    """The webhook without a reachable Firestore."""
    with serve_deployed_function(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT="stranded",
        FIRESTORE_EMULATOR_HOST=f"{LOOPBACK}:{find_free_port()}",
    ) as started:
        yield started


@pytest.fixture
def create_sender(
    served_webhook: ServedFunction,
    http: httpx.AsyncClient,
    firestore_api: FirestoreAsyncClient,
    webhook_project: str,
    secrets_file: Path,
) -> CreateSender:
    """Seed a restaurant with some settings and return a sender of its webhooks."""

    async def make(credentials: dict[str, Any] | None = None, **settings: Any) -> WebhookSender:
        client = make_client(webhook_project, firestore_api)
        restaurant, key = new_restaurant(), encode_signing_secret(uuid.uuid4().bytes * 2)
        schemes = ["standard-webhooks", "bearer", "basic"]
        settings = {"webhookAuth": schemes, **settings}
        await seed(client, restaurant, **settings)
        secret = {"webhookSecrets": [key], "clientId": "demo-client", "clientSecret": "demo-secret"}
        write_secret(secrets_file, restaurant.secret, secret | (credentials or {}))
        page = StoredLedger(client, restaurant.settings(**settings))
        return WebhookSender(served_webhook.url, http, restaurant, key, page)

    return make


@pytest.fixture
async def sender(create_sender: CreateSender) -> WebhookSender:
    return await create_sender()
