"""Create the demo restaurant: settings, native reservations, and new credentials for each run."""

import contextlib
import json
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from google.cloud.firestore import SERVER_TIMESTAMP, AsyncClient

from dev.local.demo_staff import DEMO_STAFF_UIDS
from sandbox.webhook_senders import encode_signing_secret
from shared.domain.normalization.field_values import format_utc
from shared.domain.search import build_search_terms
from shared.firestore import paths

DEMO_PROJECT = "demo-lineup"  # Google's tools never let a demo- project reach the real cloud
DEMO_RESTAURANT_ID = "restaurant-123"
DEMO_RID = "555001"
DEMO_TIME_ZONE = "America/New_York"
DEMO_SECRET_ID = f"opentable-{DEMO_RESTAURANT_ID}"
DEMO_PARTNER_SECRET_ID = "opentable-partner"  # noqa: S105 -- a name: OpenTable's credential is a partner's
DEMO_HISTORY_DAYS = 28
_CLIENT_ID = "demo-client"
_KEY_BYTES = 32


class _DemoReservation(NamedTuple):
    local_time: time
    name: str
    party_size: int
    table: str
    status: str
    request: str | None = None
    note: str | None = None


_TODAY_RESERVATIONS = (
    _DemoReservation(time(12, 30), "Rosa Okafor", 2, "4", "COMPLETED"),
    _DemoReservation(time(18, 15), "Milan Petersen", 3, "9", "SEATED", "High chair"),
    _DemoReservation(
        time(19, 0), "Ines Takahashi", 4, "11", "CONFIRMED", note="Regular, likes the corner"
    ),
    _DemoReservation(
        time(19, 30), "Samir Lindqvist", 2, "7", "BOOKED", "Birthday, a candle with dessert"
    ),
    _DemoReservation(time(19, 45), "Noor Abernathy", 6, "20", "CONFIRMED", "Two vegetarians"),
    _DemoReservation(time(20, 0), "Jonas Achterberg", 2, "5", "CANCELLED"),
    _DemoReservation(time(20, 45), "Leila Fontaine", 5, "15", "CONFIRMED"),
)

# How many hours before its time each was taken, and how such visits of earlier days ended.
_LEAD_HOURS = (1, 30, 52, 100, 170, 8, 400)
_DAILY_THRESHOLD = 3
_PAST_STATUSES = ("COMPLETED",) * 8 + ("CANCELLED", "NO_SHOW")


def build_native_reservations(
    restaurant_id: str, zone: ZoneInfo, now: datetime
) -> list[dict[str, Any]]:
    """Return the documents of today's own reservations."""
    today = now.astimezone(zone).date()
    documents = []
    for number, reservation in enumerate(_TODAY_RESERVATIONS, start=1):
        start = datetime.combine(today, reservation.local_time, zone)
        id_ = f"lineup-{number}"
        documents.append(_build_document(id_, number, reservation, restaurant_id, start))
    return documents


def build_past_reservations(
    restaurant_id: str, zone: ZoneInfo, now: datetime, days: int
) -> list[dict[str, Any]]:
    """Return the documents of the own reservations of so many days before today."""
    today = now.astimezone(zone).date()
    documents = []
    for day in (today - timedelta(days=days_back) for days_back in range(1, days + 1)):
        for number, reservation in enumerate(_TODAY_RESERVATIONS, start=1):
            # More of them towards the weekend.
            if (day.toordinal() + number) % (9 - day.isoweekday()) >= _DAILY_THRESHOLD:
                continue
            # Computed, not random: every run has the same past.
            status = _PAST_STATUSES[(day.toordinal() * 3 + number * 7) % len(_PAST_STATUSES)]
            past = reservation._replace(status=status)
            start = datetime.combine(day, past.local_time, zone)
            id_ = f"lineup-{day}-{number}"
            documents.append(_build_document(id_, number, past, restaurant_id, start))
    return documents


def _build_document(
    id_: str, number: int, reservation: _DemoReservation, restaurant_id: str, local_start: datetime
) -> dict[str, Any]:
    start = local_start.astimezone(UTC)
    created = start - timedelta(hours=_LEAD_HOURS[number - 1])
    phone = f"+1212555{100 + number:04}"
    metadata = {
        "tableNumbers": [reservation.table],
        "specialRequests": reservation.request,
        "venueNotes": reservation.note,
    }
    return {
        "id": id_,
        "restaurantId": restaurant_id,
        "source": {"system": "LINEUP"},
        "startAt": format_utc(start),
        "startAtTimestamp": start,
        "localDate": local_start.date().isoformat(),
        "partySize": reservation.party_size,
        "dinerName": reservation.name,
        "dinerId": f"diner-{number}",
        "phone": phone,
        "email": None,
        "status": reservation.status,
        "statusHistory": [],
        "searchTerms": build_search_terms(reservation.name, phone),
        "metadata": metadata,
        "createdAt": created,
        "updatedAt": created,
    }


@dataclass(frozen=True, slots=True)
class DemoCredentials:
    """Credentials of the sandbox and the product; `signing_secret` is the relay's ``whsec_…``."""

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
    """Return new random credentials."""
    return DemoCredentials(
        client_secret=secrets.token_urlsafe(_KEY_BYTES),
        bearer_token=secrets.token_urlsafe(_KEY_BYTES),
        signing_secret=encode_signing_secret(secrets.token_bytes(_KEY_BYTES)),
    )


@contextlib.contextmanager
def open_temporary_secrets_file(credentials: DemoCredentials) -> Iterator[str]:
    """Yield the path of a SECRETS_FILE, readable by this user only, for a `with` block."""
    with tempfile.NamedTemporaryFile("w", prefix="opentable-ledger-", suffix=".json") as file:
        json.dump(credentials.to_secret_payloads(), file)
        file.flush()
        yield file.name


async def seed_demo_data() -> None:
    """Write settings, staff and own reservations in an empty database, and claim the rid."""
    client = AsyncClient(project=DEMO_PROJECT)
    settings = {
        "name": "The Demo Kitchen",
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
        member = paths.staff_member_document(client, DEMO_RESTAURANT_ID, uid)
        batch.create(member, {"uid": uid, "role": role})
    reservations = paths.reservations_collection(client, DEMO_RESTAURANT_ID)
    place_and_time = DEMO_RESTAURANT_ID, ZoneInfo(DEMO_TIME_ZONE), datetime.now(UTC)
    native = build_native_reservations(*place_and_time)
    past = build_past_reservations(*place_and_time, DEMO_HISTORY_DAYS)
    for document in native + past:
        batch.create(reservations.document(document["id"]), document)
    await batch.commit()
