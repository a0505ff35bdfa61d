"""What every part of the bench stands on: an emulator of its own, and restaurants with secrets."""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from google.cloud.firestore import AsyncClient

from dev.bench.events import Tenant
from dev.emulator import start_emulator
from dev.sandbox.signing import encode_signing_secret
from shared.edge import paths

BENCHMARK_PROJECT = "demo-bench"
_SECRET_ID = "bench"  # noqa: S105 -- its id, not the secret
_TIME_ZONE = "America/New_York"
_TENANTS_PER_BATCH = 200
_HEAP_GIB = 8  # a window of 100,000 reservations, each with its journal


@dataclass(frozen=True, slots=True)
class BenchmarkEnvironment:
    """A place to measure at.

    Attributes:
        host: The emulator's ``address:port``.
        secrets_file: The SECRETS_FILE.
        signing_secret: What every restaurant's relay signs with.
    """

    host: str
    secrets_file: Path
    signing_secret: str

    def create_client(self) -> AsyncClient:
        """Return a client of the stage's project."""
        return AsyncClient(project=BENCHMARK_PROJECT)

    def build_variables(self, **more: str) -> dict[str, str]:
        """Return the environment of a function that is served here."""
        return {
            "GOOGLE_CLOUD_PROJECT": BENCHMARK_PROJECT,
            "FIRESTORE_EMULATOR_HOST": self.host,
            "SECRETS_FILE": str(self.secrets_file),
            "OPENTABLE_PARTNER_SECRET": _SECRET_ID,
            **more,
        }

    def build_tenants(self, count: int) -> list[Tenant]:
        """Return so many restaurants; they are not stored yet."""
        return [
            Tenant(f"restaurant-{n:05}", f"{500_000 + n}", self.signing_secret)
            for n in range(count)
        ]


@contextmanager
def start_benchmark_environment(*, allow_gc_pauses: bool = True) -> Iterator[BenchmarkEnvironment]:
    """Keep a stage for the length of a `with` block; nothing is left of it.

    Args:
        allow_gc_pauses: Whether the emulator may stand still to tidy its memory (see
            `start_emulator`).
    """
    with (
        start_emulator(heap_gib=_HEAP_GIB, allow_gc_pauses=allow_gc_pauses) as emulator,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
    ):
        # The bench's own clients find the emulator by this variable alone.
        os.environ["FIRESTORE_EMULATOR_HOST"] = emulator.host
        signing_secret, secrets_file = (
            encode_signing_secret(os.urandom(32)),
            Path(folder) / "secrets.json",
        )
        payload = {"webhookSecrets": [signing_secret], "clientId": "me", "clientSecret": "hush"}
        secrets_file.write_text(json.dumps({_SECRET_ID: payload}))
        yield BenchmarkEnvironment(emulator.host, secrets_file, signing_secret)


async def seed_tenants(client: AsyncClient, tenants: Sequence[Tenant]) -> None:
    """Store restaurants' settings and routes."""
    for start in range(0, len(tenants), _TENANTS_PER_BATCH):
        batch = client.batch()
        for tenant in tenants[start : start + _TENANTS_PER_BATCH]:
            batch.set(paths.integration_document(client, tenant.id), _build_settings(tenant))
            batch.set(paths.rid_claim_document(client, tenant.rid), {"restaurantId": tenant.id})
        await batch.commit()


def _build_settings(tenant: Tenant) -> dict[str, object]:
    return {
        "enabled": True,
        "restaurantId": tenant.rid,
        "timeZone": _TIME_ZONE,
        "webhookAuth": ["standard-webhooks"],
    }
