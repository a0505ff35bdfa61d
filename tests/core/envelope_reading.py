"""A relay's envelopes, and what the reader makes of them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.core.change import Channel, ReservationEvent
from shared.core.envelope import parse_envelope
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
    """Return an envelope that says only what is given."""
    return {
        "eventType": event_type,
        "id": "evt_1",
        "timestamp": "2026-03-09T12:30:44Z",
        "data": {"reservationId": "ot_1", "restaurantId": "restaurant-123", **data},
    }


def normalize_envelope(envelope: dict[str, Any], rid: str | None = "555001") -> ReservationEvent:
    """Return an envelope as a change."""
    return parse_envelope(
        envelope,
        "as it came",
        rid=rid,
        zone=ENVELOPE_ZONE,
        received_at=ENVELOPE_RECEIVED_AT,
        channel=Channel.REPLAY,
    )


def envelope_fields(event_type: str = "reservation.updated", /, **data: Any) -> dict[str, Any]:
    """Return what an envelope with these fields says."""
    return dict(normalize_envelope(build_envelope(event_type, **data)).fields)


def envelope_rejection(envelope: dict[str, Any]) -> str:
    """Return the reason for which an envelope is refused."""
    with pytest.raises(InvalidEventError) as raised:
        normalize_envelope(envelope)
    return raised.value.reason
