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

from dev.demo_day import build_native_reservations, build_past_reservations
from dev.demo_staff import DEMO_STAFF_UIDS
from dev.sandbox.signing import encode_signing_secret
from shared.edge import paths

DEMO_PROJECT = "demo-lineup"  # Google's tools never let a demo- project reach the real cloud
DEMO_RESTAURANT_ID = "restaurant-123"
DEMO_RID = "555001"
DEMO_TIME_ZONE = "America/New_York"
DEMO_SECRET_ID = f"opentable-{DEMO_RESTAURANT_ID}"
DEMO_PARTNER_SECRET_ID = "opentable-partner"  # noqa: S105 -- a name: OpenTable's credential is a partner's
DEMO_HISTORY_DAYS = 28
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

    def to_secret_payloads(self) -> dict[str, dict[str, object]]:
        """Return them as the bundle reads its secrets."""
        return {
            DEMO_PARTNER_SECRET_ID: {"clientId": _CLIENT_ID, "clientSecret": self.client_secret},
            DEMO_SECRET_ID: {
                "webhookSecrets": [self.signing_secret],
                "bearerTokens": [self.bearer_token],
            },
        }

    def to_sandbox_environment(self) -> dict[str, str]:
        """Return them as the sandbox reads its environment."""
        return {
            "SANDBOX_CLIENT_SECRET": self.client_secret,
            "SANDBOX_AUTHORIZATION": f"Bearer {self.bearer_token}",
            "SANDBOX_SIGNING_SECRET": self.signing_secret,
        }


def generate_demo_credentials() -> DemoCredentials:
    """Return credentials that nobody has seen before."""
    return DemoCredentials(
        client_secret=secrets.token_urlsafe(_KEY_BYTES),
        bearer_token=secrets.token_urlsafe(_KEY_BYTES),
        signing_secret=encode_signing_secret(secrets.token_bytes(_KEY_BYTES)),
    )


@contextlib.contextmanager
def open_temporary_secrets_file(credentials: DemoCredentials) -> Iterator[str]:
    """Keep a SECRETS_FILE for the length of a `with` block, readable by this user alone.

    Yields:
        Its path.
    """
    with tempfile.NamedTemporaryFile("w", prefix="opentable-ledger-", suffix=".json") as file:
        json.dump(credentials.to_secret_payloads(), file)
        file.flush()
        yield file.name


async def seed_demo_data() -> None:
    """Write settings, staff and own reservations in an empty database, and claim the rid.

    Raises:
        google.api_core.exceptions.GoogleAPIError: Firestore did not take the commit.
    """
    client = AsyncClient(project=DEMO_PROJECT)
    settings = {
        "enabled": True,
        "restaurantId": DEMO_RID,
        "timeZone": DEMO_TIME_ZONE,
        "country": "US",
        "webhookAuth": ["bearer", "standard-webhooks"],
        "secret": DEMO_SECRET_ID,
        "updatedAt": SERVER_TIMESTAMP,
    }
    batch = client.batch()
    batch.create(paths.rid_claim_document(client, DEMO_RID), {"restaurantId": DEMO_RESTAURANT_ID})
    batch.create(paths.integration_document(client, DEMO_RESTAURANT_ID), settings)
    for role, uid in DEMO_STAFF_UIDS.items():
        batch.create(paths.staff_member_document(client, DEMO_RESTAURANT_ID, uid), {"role": role})
    reservations = paths.reservations_collection(client, DEMO_RESTAURANT_ID)
    time_zone, now = ZoneInfo(DEMO_TIME_ZONE), datetime.now(UTC)
    native = build_native_reservations(DEMO_RESTAURANT_ID, time_zone, now)
    for document in (
        *native,
        *build_past_reservations(DEMO_RESTAURANT_ID, time_zone, now, DEMO_HISTORY_DAYS),
    ):
        batch.create(reservations.document(document["id"]), document)
    await batch.commit()
