"""A restaurant of a test's own: its settings, its route and its credentials."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud.firestore import AsyncClient

from shared.core.settings import IntegrationSettings, parse_settings
from shared.edge import paths


@dataclass(frozen=True, slots=True)
class Restaurant:
    """A restaurant that no other test uses.

    Attributes:
        id: Lineup's id.
        rid: OpenTable's number.
    """

    id: str
    rid: str

    @property
    def secret(self) -> str:
        """The id of its own secret."""
        return f"opentable-{self.id}"

    def document(self, **changes: Any) -> dict[str, Any]:
        """Return its settings as stored; changes override, and None removes."""
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
        """Return its settings as read."""
        return parse_settings(self.id, self.document(**changes))


def new_restaurant() -> Restaurant:
    """Return a restaurant with ids that no other test uses."""
    number = uuid.uuid4().int
    return Restaurant(f"restaurant-{number % 10**12:012}", f"{10**8 + number % 10**8}")


async def seed(client: AsyncClient, restaurant: Restaurant, **changes: Any) -> None:
    """Store a restaurant's settings, with changes, and the route to it."""
    await paths.integration_document(client, restaurant.id).set(restaurant.document(**changes))
    await paths.rid_claim_document(client, restaurant.rid).set({"restaurantId": restaurant.id})


def write_secret(file: Path, secret_id: str, payload: object) -> None:
    """Put a payload into a SECRETS_FILE; readers see the file before or after, never between."""
    secrets = json.loads(file.read_text()) if file.exists() else {}
    new_file = file.with_suffix(".new")
    new_file.write_text(json.dumps({**secrets, secret_id: payload}))
    new_file.replace(file)
