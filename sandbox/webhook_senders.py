"""Send webhooks as OpenTable does (v3) and as a signing relay does (Standard Webhooks envelopes).

A relay sends a created reservation in full, and updates and cancellations as patches. The three
mock events of the specification are in ``events``.
"""

import base64
import hashlib
import hmac
import json
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zlib import crc32

from sandbox.api import OPENTABLE_PRODUCTION_URL
from sandbox.clock import ClockFunction, read_system_time
from sandbox.models import (
    ARRIVED_STATES,
    EXPECTED_STATES,
    SEATED_STATES,
    SandboxGuest,
    SandboxReservation,
)
from sandbox.store import SandboxStore
from sandbox.sync_rows import (
    JsonRow,
    ProductTier,
    RenderContext,
    build_webhook_row,
    format_opentable_utc,
)
from sandbox.webhook_delivery import (
    RELAY_RETRY_SCHEDULE,
    THREE_ATTEMPTS,
    Delivery,
    PostFunction,
    RetrySchedule,
    WebhookDispatcher,
)

_RELAY_STATUSES = {
    **dict.fromkeys(EXPECTED_STATES, "booked"),
    "Confirmed": "confirmed",
    "Late": "confirmed",
    **dict.fromkeys(ARRIVED_STATES, "checked_in"),
    **dict.fromkeys(SEATED_STATES, "seated"),
    **dict.fromkeys(("Done", "AssumedDone", "AssumedSeated"), "completed"),
    "Cancelled": "cancelled",
    "NoShow": "no_show",
}


@dataclass(frozen=True, slots=True)
class RelayIdentity:
    """The relay's id and aware time of an event, and the receiver's id of the restaurant."""

    event_id: str
    timestamp: datetime
    restaurant_id: str
    restaurant_name: str


def build_relay_envelope(
    before: SandboxReservation | None,
    after: SandboxReservation,
    guest: SandboxGuest | None,
    identity: RelayIdentity,
) -> JsonRow | None:
    """Return the relay's envelope of a change, None if it has no content.

    Args:
        before: None for a new reservation.
        guest: Updates never repeat the guest's details.
        identity: The relay's ids around the data.
    """
    current, previous = _relay_fields(after), _relay_fields(before) if before else {}
    data = {name: value for name, value in current.items() if previous.get(name) != value}
    if before is None:
        data["restaurantName"] = identity.restaurant_name
        if guest is not None:
            name = f"{guest.first_name} {guest.last_name}".strip()
            details = {"dinerName": name, "dinerEmail": guest.email, "dinerPhone": guest.phone}
            data |= {field: value for field, value in details.items() if value}
    elif not data:
        return None  # OpenTable's own webhook has fields that the envelope lacks
    kind = "created" if before is None else "updated"
    if before and data.get("status") == "cancelled":
        kind = "cancelled"
        data |= {"cancellationReason": "Cancelled at OpenTable"}
    ids: JsonRow = {
        "reservationId": f"{after.rid}-{after.key}",
        "restaurantId": identity.restaurant_id,
    }
    return {
        "eventType": f"reservation.{kind}",
        "id": identity.event_id,
        "timestamp": format_opentable_utc(identity.timestamp),
        "data": ids | data,
    }


def _relay_fields(row: SandboxReservation) -> JsonRow:
    return {
        "partySize": row.party_size,
        "reservationDateTime": format_opentable_utc(row.scheduled),
        "status": _RELAY_STATUSES.get(row.state, row.state),
        "specialRequests": row.guest_request,
    }


_PREFIX = "whsec_"
_MOCK_EVENTS_FOLDER = Path(__file__).with_name("events")


def build_signed_headers(
    secret: str, event_id: str, timestamp: datetime | int, body: bytes
) -> dict[str, str]:
    """Return the three ``webhook-*`` headers of a body.

    Args:
        secret: ``whsec_`` and the key in base64.
        timestamp: Time of this attempt: aware, or Unix seconds.
        body: The exact bytes to send.
    """
    seconds = timestamp if isinstance(timestamp, int) else int(timestamp.timestamp())
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    # As Standard Webhooks defines it: over the bytes that are sent, not over parsed JSON.
    signed = f"{event_id}.{seconds}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def encode_signing_secret(key: bytes) -> str:
    """Return ``key`` (24 to 64 bytes) written as a signing secret."""
    return _PREFIX + base64.b64encode(key).decode()


@dataclass(slots=True)
class DirectSender:
    """Send OpenTable's own webhook: the v3 object with a credential issued by the receiver.

    Args:
        authorization: The full header, ``Basic …`` or ``Bearer …``.
        tier: The product tier selects the fields.
        retry_schedule: One of the two documented retry schedules.
        zoneless: Write ``scheduled_time_utc`` without its Z.
        unprefixed: Write ids without ``{rid}-``.
        authorizations: Headers by rid; empty for no webhooks.
    """

    store: SandboxStore
    dispatcher: WebhookDispatcher
    url: str
    authorization: str = field(repr=False)
    tier: ProductTier = "gold"
    retry_schedule: RetrySchedule = THREE_ATTEMPTS
    zoneless: bool = False
    unprefixed: bool = False
    authorizations: dict[int, str] = field(default_factory=dict, repr=False)

    def send_event(self, _before: SandboxReservation | None, after: SandboxReservation) -> None:
        """Send one event's reservation."""
        authorization = self.authorizations.get(after.rid, self.authorization)
        if not authorization:
            return
        context = RenderContext(
            self.tier, self.store.get_restaurant(after.rid).zone, OPENTABLE_PRODUCTION_URL
        )
        # One bare object: OpenTable sends no event id, event type, time of sending or signature.
        row = build_webhook_row(after, context, zoneless=self.zoneless, unprefixed=self.unprefixed)
        body = json.dumps(row).encode()
        headers = {"content-type": "application/json", "authorization": authorization}
        self.dispatcher.enqueue(
            Delivery(self.url, body, lambda _now, _body: headers, self.retry_schedule)
        )


@dataclass(slots=True)
class RelaySender:
    """Send signed envelopes as a relay with its own clock.

    Args:
        secret: The signing secret, ``whsec_…``.
        restaurant_ids: The receiver's id by rid; the rid itself by default.
        skew: Difference of the relay's clock to OpenTable's.
        share: Share of reservations to report; all events of one or none.
        secrets: Signing secrets by rid; empty for no envelopes.
    """

    store: SandboxStore
    dispatcher: WebhookDispatcher
    url: str
    secret: str = field(repr=False)
    restaurant_ids: dict[int, str] = field(default_factory=dict)
    skew: timedelta = timedelta(0)
    share: float = 1.0
    secrets: dict[int, str] = field(default_factory=dict, repr=False)
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    def send_event(self, before: SandboxReservation | None, after: SandboxReservation) -> None:
        """Send the envelope of one event, if it has content and belongs to the relay's share."""
        secret = self.secrets.get(after.rid, self.secret)
        # By the key, so that a reservation's events all pass or all do not.
        if not secret or crc32(after.key.encode()) / 2**32 >= self.share:
            return
        event_id = f"evt_{self._random.getrandbits(64):016x}"
        identity = RelayIdentity(
            event_id,
            self.store.now() + self.skew,
            self.restaurant_ids.get(after.rid, str(after.rid)),
            self.store.get_restaurant(after.rid).name,
        )
        guest = self.store.get_guest(after.rid, after.guest_key)
        payload = build_relay_envelope(before, after, guest, identity)
        if payload is None:
            return

        def build_headers(now: datetime, body: bytes) -> dict[str, str]:
            # Signed at each attempt: a late retry carries a fresh timestamp.
            signed = build_signed_headers(secret, event_id, now + self.skew, body)
            return {"content-type": "application/json", **signed}

        body = json.dumps(payload).encode()
        self.dispatcher.enqueue(Delivery(self.url, body, build_headers, RELAY_RETRY_SCHEDULE))


def post_mock_events(
    post: PostFunction,
    url: str,
    secret: str,
    bodies: Sequence[bytes],
    clock: ClockFunction = read_system_time,
) -> list[int]:
    """Post mock events, signed with ``secret`` by ``clock``; return the statuses."""
    statuses = []
    for body in bodies:
        signed = build_signed_headers(secret, json.loads(body)["id"], clock(), body)
        statuses.append(post(url, {"content-type": "application/json", **signed}, body))
    return statuses


def read_fresh_mock_events(visit_at: datetime, now: datetime) -> list[bytes]:
    """Return the three events about a new reservation at ``visit_at``, ending at ``now``.

    Each call makes new ids: a repeated event id with another content would be quarantined.
    """
    suffix = secrets.token_hex(3)
    bodies = []
    for seconds, body in zip((2, 1, 0), read_mock_events(), strict=True):
        event = json.loads(body)
        event["id"] += f"_{suffix}"
        event["timestamp"] = format_opentable_utc(now - timedelta(seconds=seconds))
        event["data"]["reservationId"] += f"_{suffix}"
        if "reservationDateTime" in event["data"]:
            event["data"]["reservationDateTime"] = format_opentable_utc(visit_at)
        bodies.append(json.dumps(event).encode())
    return bodies


def read_mock_events() -> list[bytes]:
    """Return the bodies in chronological order: created, updated, cancelled."""
    return [
        (_MOCK_EVENTS_FOLDER / f"reservation_{name}.json").read_bytes()
        for name in ("created", "updated", "cancelled")
    ]
