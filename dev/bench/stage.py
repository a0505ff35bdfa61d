"""What every part of the bench stands on: an emulator of its own, and restaurants with secrets."""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.cloud.firestore import AsyncClient

from dev.bench.events import House
from dev.emulator import start_emulator
from dev.sandbox.signing import new_secret
from shared.edge import paths

PROJECT = "demo-bench"
_SECRET = "bench"  # noqa: S105 -- its id, not the secret
_ZONE = "America/New_York"
_GROUP = 200
_HEAP_GIB = 8  # a window of 100,000 reservations, each with its journal


@dataclass(frozen=True, slots=True)
class Stage:
    """A place to measure at.

    Attributes:
        host: The emulator's ``address:port``.
        secrets: The SECRETS_FILE.
        key: What every restaurant's relay signs with.
    """

    host: str
    secrets: Path
    key: str

    def client(self) -> AsyncClient:
        """Return a client of the stage's project."""
        return AsyncClient(project=PROJECT)

    def variables(self, **more: str) -> dict[str, str]:
        """Return the environment of a function that is served here."""
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "FIRESTORE_EMULATOR_HOST": self.host,
            "SECRETS_FILE": str(self.secrets),
            "OPENTABLE_PARTNER_SECRET": _SECRET,
            **more,
        }

    def houses(self, count: int) -> list[House]:
        """Return so many restaurants; they are not stored yet."""
        return [House(f"restaurant-{n:05}", f"{500_000 + n}", self.key) for n in range(count)]


@contextmanager
def staged(*, pauses: bool = True) -> Iterator[Stage]:
    """Keep a stage for the length of a `with` block; nothing is left of it.

    Args:
        pauses: Whether the emulator may stand still to tidy its memory (see `start_emulator`).
    """
    with (
        start_emulator(heap_gib=_HEAP_GIB, pauses=pauses) as emulator,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
    ):
        # The bench's own clients find the emulator by this variable alone.
        os.environ["FIRESTORE_EMULATOR_HOST"] = emulator.host
        key, secrets = new_secret(os.urandom(32)), Path(folder) / "secrets.json"
        payload = {"webhookSecrets": [key], "clientId": "me", "clientSecret": "hush"}
        secrets.write_text(json.dumps({_SECRET: payload}))
        yield Stage(emulator.host, secrets, key)


async def seed(client: AsyncClient, houses: Sequence[House]) -> None:
    """Store restaurants' settings and routes."""
    for start in range(0, len(houses), _GROUP):
        batch = client.batch()
        for house in houses[start : start + _GROUP]:
            batch.set(paths.integration(client, house.id), _settings(house))
            batch.set(paths.route(client, house.rid), {"restaurantId": house.id})
        await batch.commit()


def _settings(house: House) -> dict[str, object]:
    return {
        "enabled": True,
        "restaurantId": house.rid,
        "timeZone": _ZONE,
        "webhookAuth": ["standard-webhooks"],
    }
