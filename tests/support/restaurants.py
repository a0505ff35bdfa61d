"""Restaurants with settings and rid claims for tests, and their secrets."""

import json
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from google.cloud.firestore import AsyncClient

from shared.concurrency import SYSTEM_CLOCK
from shared.config import read_environment
from shared.context import AppContext
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.raw_client import FirestoreClient
from shared.opentable.client import OpenTableClient
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import BuildSecretPayload, CredentialCache, build_secret_store


@dataclass(frozen=True, slots=True)
class Restaurant:
    """A restaurant of one test: Lineup's id and OpenTable's rid."""

    id: str
    rid: str

    @property
    def secret(self) -> str:
        """The id of its secret."""
        return f"opentable-{self.id}"

    def document(self, **changes: Any) -> dict[str, Any]:
        """Return its settings document with changes; None removes a field."""
        document = {
            "enabled": True,
            "restaurantId": self.rid,
            "timeZone": "America/New_York",
            "webhookAuth": ["standard-webhooks"],
            "secret": self.secret,
            **changes,
        }
        return {name: value for name, value in document.items() if value is not None}

    def settings(self, **changes: Any) -> IntegrationSettings:
        """Return its parsed settings."""
        return parse_settings(self.id, self.document(**changes))


def make_app_context(
    client: FirestoreClient,
    directory: RestaurantDirectory | None = None,
    clock: Callable[[], datetime] = SYSTEM_CLOCK.now,
) -> AppContext:
    """Return the context of a process without OpenTable, and by default without secrets."""

    async def refuse_secret(secret_id: str, _version: str | None) -> bytes:
        raise InvalidSettingsError(secret_id)

    def refuse_client() -> OpenTableClient:
        raise NotImplementedError

    environment = read_environment({"GOOGLE_CLOUD_PROJECT": client.project})
    credentials = CredentialCache(refuse_secret, SYSTEM_CLOCK.monotonic)
    return AppContext(
        environment=environment,
        firestore=client,
        directory=directory
        or RestaurantDirectory(client, credentials, None, SYSTEM_CLOCK.monotonic),
        secret_store=build_secret_store(environment),
        get_opentable_client=refuse_client,
        clock=clock,
    )


def new_restaurant() -> Restaurant:
    """Return a restaurant with new ids."""
    number = uuid.uuid4().int
    return Restaurant(f"restaurant-{number % 10**12:012}", f"{10**8 + number % 10**8}")


async def seed(client: AsyncClient, restaurant: Restaurant, **changes: Any) -> None:
    """Store a restaurant's settings, with changes, and its rid claim."""
    await paths.integration_document(client, restaurant.id).set(restaurant.document(**changes))
    await paths.rid_claim_document(client, restaurant.rid).set({"restaurantId": restaurant.id})


async def read_rid_claim(client: AsyncClient, rid: str) -> dict[str, Any] | None:
    """Return the document that reserves OpenTable's id for a restaurant."""
    return (await paths.rid_claim_document(client, rid).get()).to_dict()


def write_secret(file: Path, secret_id: str, payload: object) -> None:
    """Add a payload to a SECRETS_FILE, atomically for concurrent readers."""
    secrets = json.loads(file.read_text()) if file.exists() else {}
    new_file = file.with_suffix(".new")
    new_file.write_text(json.dumps({**secrets, secret_id: payload}))
    new_file.replace(file)


class InMemorySecretSource:
    """Secrets in memory; counts reads, and fails them while `is_unavailable`."""

    def __init__(self) -> None:
        self.payloads: dict[str, object] = {}
        self.reads: Counter[str] = Counter()
        self.is_unavailable = False

    async def read(self, secret_id: str, _min_version: str | None = None) -> str:
        """Return a secret's payload."""
        self.reads[secret_id] += 1
        if self.is_unavailable:
            raise ServiceUnavailableError("away")
        if secret_id not in self.payloads:
            raise InvalidSettingsError(f"no {secret_id}")
        payload = self.payloads[secret_id]
        return payload if isinstance(payload, str) else json.dumps(payload)


def add_fields(**fields: object) -> BuildSecretPayload:
    return lambda stored: {**stored, **fields}
