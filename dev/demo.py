"""The demo restaurant: what it is seeded with, and credentials made anew for each run."""

import contextlib
import json
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from google.cloud.firestore import SERVER_TIMESTAMP, AsyncClient

from dev.demo_day import earlier_reservations, own_reservations
from dev.demo_staff import STAFF
from dev.sandbox.signing import new_secret
from shared.edge import paths

PROJECT = "demo-lineup"  # Google's tools never let a demo- project reach the real cloud
RESTAURANT_ID = "restaurant-123"
RID = "555001"
ZONE = "America/New_York"
SECRET_ID = f"opentable-{RESTAURANT_ID}"
PARTNER_SECRET_ID = "opentable-partner"  # noqa: S105 -- a name: OpenTable's credential is a partner's
DAYS_BACK = 28
_CLIENT_ID = "demo-client"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class DemoCredentials:
    """What the sandbox and the bundle must both know.

    Attributes:
        client_secret: Of the API credential.
        bearer_token: What the restaurant gave OpenTable for its webhooks.
        signing_secret: What the relay signs with, ``whsec_…``.
    """

    client_secret: str = field(repr=False)
    bearer_token: str = field(repr=False)
    signing_secret: str = field(repr=False)

    def payloads(self) -> dict[str, dict[str, object]]:
        """Return them as the bundle reads its secrets."""
        return {
            PARTNER_SECRET_ID: {"clientId": _CLIENT_ID, "clientSecret": self.client_secret},
            SECRET_ID: {
                "webhookSecrets": [self.signing_secret],
                "bearerTokens": [self.bearer_token],
            },
        }

    def sandbox_environment(self) -> dict[str, str]:
        """Return them as the sandbox reads its environment."""
        return {
            "SANDBOX_CLIENT_SECRET": self.client_secret,
            "SANDBOX_AUTHORIZATION": f"Bearer {self.bearer_token}",
            "SANDBOX_SIGNING_SECRET": self.signing_secret,
        }


def new_credentials() -> DemoCredentials:
    """Return credentials that nobody has seen before."""
    return DemoCredentials(
        client_secret=secrets.token_urlsafe(_KEY_BYTES),
        bearer_token=secrets.token_urlsafe(_KEY_BYTES),
        signing_secret=new_secret(secrets.token_bytes(_KEY_BYTES)),
    )


@contextlib.contextmanager
def secrets_file(credentials: DemoCredentials) -> Iterator[str]:
    """Keep a SECRETS_FILE for the length of a `with` block, readable by this user alone.

    Yields:
        Its path.
    """
    with tempfile.NamedTemporaryFile("w", prefix="opentable-ledger-", suffix=".json") as file:
        json.dump(credentials.payloads(), file)
        file.flush()
        yield file.name


async def seed() -> None:
    """Write settings, staff and own reservations in an empty database, and claim the rid.

    Raises:
        google.api_core.exceptions.GoogleAPIError: Firestore did not take the commit.
    """
    client = AsyncClient(project=PROJECT)
    settings = {
        "enabled": True,
        "restaurantId": RID,
        "timeZone": ZONE,
        "country": "US",
        "webhookAuth": ["bearer", "standard-webhooks"],
        "secret": SECRET_ID,
        "updatedAt": SERVER_TIMESTAMP,
    }
    batch = client.batch()
    batch.create(paths.route(client, RID), {"restaurantId": RESTAURANT_ID})
    batch.create(paths.integration(client, RESTAURANT_ID), settings)
    for role, uid in STAFF.items():
        batch.create(paths.staff(client, RESTAURANT_ID, uid), {"role": role})
    reservations = paths.reservations(client, RESTAURANT_ID)
    zone, now = ZoneInfo(ZONE), datetime.now(UTC)
    own = own_reservations(RESTAURANT_ID, zone, now)
    for document in (*own, *earlier_reservations(RESTAURANT_ID, zone, now, DAYS_BACK)):
        batch.create(reservations.document(document["id"]), document)
    await batch.commit()
