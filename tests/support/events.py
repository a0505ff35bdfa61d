"""Reservation events as bodies and as normalized events."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.opentable_reservation import parse_opentable_reservation
from shared.domain.normalization.webhook_body import WebhookFormat, parse_envelope
from shared.domain.webhook_auth import Authentication
from shared.ingest.events import IncomingEvent

RID = "555001"
RECEIVED = datetime(2026, 3, 9, 12, 31, tzinfo=UTC)
_ZONE = ZoneInfo("America/New_York")
_COMPLETE_DATA = {
    "dinerName": "Ada Lovelace",
    "partySize": 4,
    "reservationDateTime": "2026-03-14T23:15:00Z",
    "status": "confirmed",
}


def envelope_body(kind: str = "created", minute: int = 0, **data: Any) -> dict[str, Any]:
    """Return a relay's envelope; creations are complete, others contain only the given data.

    Args:
        kind: created, updated or cancelled.
        minute: Minutes after noon UTC (0-30); the id follows from both.
        data: Fields of ``data``, in addition to the defaults.
    """
    fields = (_COMPLETE_DATA if kind == "created" else {}) | {"reservationId": "ot_1"} | data
    return {
        "eventType": f"reservation.{kind}",
        "id": f"{kind}_{minute}",
        "timestamp": f"2026-03-09T12:{minute:02}:00Z",
        "data": fields,
    }


def row_body(sequence_id: int, **fields: Any) -> dict[str, Any]:
    """Return an OpenTable object, updated `sequence_id` seconds after noon UTC."""
    minute, second = divmod(sequence_id, 60)
    return {
        "id": f"{RID}-ot_1",
        "rid": int(RID),
        "sequence_id": sequence_id,
        "state": "Confirmed",
        "party_size": 4,
        "scheduled_time": "2026-03-14T19:15:00",
        "scheduled_time_utc": "2026-03-14T23:15:00Z",
        "updated_at_utc": f"2026-03-09T12:{minute:02}:{second:02}Z",
        **fields,
    }


def incoming_webhook(
    body: dict[str, Any],
    received_at: datetime,
    shape: WebhookFormat = WebhookFormat.OPENTABLE_RESERVATION,
    authentication: Authentication | None = None,
) -> IncomingEvent:
    """Return a webhook's body as the webhook function passes it on."""
    return IncomingEvent(
        shape,
        body,
        json.dumps(body),
        "application/json",
        received_at,
        Channel.WEBHOOK,
        authentication,
    )


def envelope_event(kind: str = "created", minute: int = 0, **data: Any) -> ReservationEvent:
    """Return the event of `envelope_body`."""
    body = envelope_body(kind, minute, **data)
    return parse_envelope(
        body,
        json.dumps(body),
        rid=RID,
        zone=_ZONE,
        received_at=RECEIVED,
        channel=Channel.WEBHOOK,
    )


def with_long_name(name: str, **data: Any) -> ReservationEvent:
    """Return an envelope's event with a name that is not cut, so that it can be unstorable."""
    event = envelope_event(**data)
    return replace(event, fields={**event.fields, "dinerName": name}, payload=name)


def row_event(sequence_id: int, **fields: Any) -> ReservationEvent:
    """Return the event of `row_body`."""
    body = row_body(sequence_id, **fields)
    return parse_opentable_reservation(
        body, json.dumps(body), rid=RID, zone=_ZONE, channel=Channel.POLL
    )


def merge_events(*events: ReservationEvent) -> ReservationState:
    state = ReservationState()
    for event in events:
        state = state.merge_event(event)
    return state
