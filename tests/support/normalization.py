"""Relay envelopes and OpenTable rows, with the events or rejections they become."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.domain.ledger.events import Channel, ReservationEvent
from shared.domain.normalization.opentable_reservation import parse_opentable_reservation
from shared.domain.normalization.webhook_body import parse_envelope
from shared.errors import InvalidEventError

ENVELOPE_ZONE = ZoneInfo("America/New_York")
ENVELOPE_RECEIVED_AT = datetime(2026, 3, 9, 12, 31, tzinfo=UTC)

CANONICAL_FIELDS = {
    "restaurantName": "Demo",
    "dinerName": "John Doe",
    "dinerEmail": "john@example.com",
    "dinerPhone": "15551234567",
    "partySize": 4,
    "reservationDateTime": "2026-03-14T23:15:00Z",
    "status": "confirmed",
    "specialRequests": "Window seat",
    "cancellationReason": "Ill",
}


def build_envelope(event_type: str = "reservation.updated", /, **data: Any) -> dict[str, Any]:
    return {
        "eventType": event_type,
        "id": "evt_1",
        "timestamp": "2026-03-09T12:30:44Z",
        "data": {"reservationId": "ot_1", "restaurantId": "restaurant-123", **data},
    }


def normalize_envelope(envelope: dict[str, Any], rid: str | None = "555001") -> ReservationEvent:
    return parse_envelope(
        envelope,
        "as received",
        rid=rid,
        zone=ENVELOPE_ZONE,
        received_at=ENVELOPE_RECEIVED_AT,
        channel=Channel.REPLAY,
    )


def envelope_fields(event_type: str = "reservation.updated", /, **data: Any) -> dict[str, Any]:
    return dict(normalize_envelope(build_envelope(event_type, **data)).fields)


def envelope_rejection(envelope: dict[str, Any]) -> str:
    with pytest.raises(InvalidEventError) as raised:
        normalize_envelope(envelope)
    return raised.value.reason


ROW_RID = "555001"
ROW_ZONE = ZoneInfo("America/New_York")

MINIMAL_ROW = {
    "id": "555001-ot_1",
    "rid": 555001,
    "sequence_id": 7,
    "updated_at_utc": "2026-03-09T12:30:44Z",
}

# As in OpenTable's documentation: booked in standard time for a visit in daylight saving time.
COMPLETE_ROW = MINIMAL_ROW | {
    "guest_id": "555001-65aa01bb02cc03dd04ee05ff",
    "confirmation_id": 7731,
    "state": "NotConfirmed",
    "table_number": ["14"],
    "created_date": "2026-03-02T11:04:09",
    "created_date_utc": "2026-03-02T16:04:09Z",
    "scheduled_time": "2026-03-14T19:15:00",
    "scheduled_time_utc": "2026-03-14T23:15:00Z",
    "party_size": 4,
    "visit_tags": ["gc:service/date"],
    "origin": "Web",
    "updated_at": "2026-03-09T08:30:44",
    "seated_time": None,
    "seated_time_utc": None,
    "done_time": None,
    "done_time_utc": None,
    "arrived_time": None,
    "arrived_time_utc": None,
    "guest_request": "Stroller",
    "venue_notes": None,
    "opentable_notes": "",
    "table_category": None,
    "server": None,
    "currency_denominator": 100,
}


def normalize_row(**fields: object) -> ReservationEvent:
    """Return the event of a minimal row with additional fields."""
    return parse_opentable_reservation(
        MINIMAL_ROW | fields, "as received", rid=ROW_RID, zone=ROW_ZONE, channel=Channel.POLL
    )


def row_fields(**fields: object) -> dict[str, Any]:
    """Return the event fields of additional row fields, without the id."""
    event_fields = dict(normalize_row(**fields).fields)
    del event_fields["openTableId"]
    return event_fields


def row_rejection(**fields: object) -> str:
    with pytest.raises(InvalidEventError) as raised:
        normalize_row(**fields)
    return raised.value.reason
