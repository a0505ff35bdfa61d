"""What the signing relay says of an event: created whole, updated and cancelled as patches."""

from dataclasses import dataclass
from datetime import datetime

from dev.sandbox.records import (
    ARRIVED_STATES,
    EXPECTED_STATES,
    SEATED_STATES,
    SandboxGuest,
    SandboxReservation,
)
from dev.sandbox.rows import JsonRow
from dev.sandbox.times import format_opentable_utc

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
    """Return the relay's envelope of a change; None where it would say nothing.

    Args:
        before: The reservation before, None for a new one.
        after: The reservation now.
        guest: Its guest; an update never repeats the guest's details.
        identity: What stands around the data.
    """
    data = _changed_fields(before, after)
    if before is None:
        data |= {"restaurantName": identity.restaurant_name, **_diner_fields(guest)}
    elif not data:
        return None
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


def _changed_fields(before: SandboxReservation | None, after: SandboxReservation) -> JsonRow:
    current, previous = _relay_fields(after), _relay_fields(before) if before else {}
    return {name: value for name, value in current.items() if previous.get(name) != value}


def _relay_fields(row: SandboxReservation) -> JsonRow:
    return {
        "partySize": row.party_size,
        "reservationDateTime": format_opentable_utc(row.scheduled),
        "status": _RELAY_STATUSES.get(row.state, row.state),
        "specialRequests": row.guest_request,
    }


def _diner_fields(guest: SandboxGuest | None) -> JsonRow:
    if guest is None:
        return {}
    name = f"{guest.first_name} {guest.last_name}".strip()
    details = {"dinerName": name, "dinerEmail": guest.email, "dinerPhone": guest.phone}
    return {field: value for field, value in details.items() if value}
