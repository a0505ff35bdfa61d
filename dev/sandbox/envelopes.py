"""What the signing relay says of an event: created whole, updated and cancelled as patches."""

from dataclasses import dataclass
from datetime import datetime

from dev.sandbox.records import EXPECTED, IN_HOUSE, SEATED, Guest, Reservation
from dev.sandbox.rows import Row
from dev.sandbox.times import utc_text

_WORDS = {
    **dict.fromkeys(EXPECTED, "booked"),
    "Confirmed": "confirmed",
    "Late": "confirmed",
    **dict.fromkeys(IN_HOUSE, "checked_in"),
    **dict.fromkeys(SEATED, "seated"),
    **dict.fromkeys(("Done", "AssumedDone", "AssumedSeated"), "completed"),
    "Cancelled": "cancelled",
    "NoShow": "no_show",
}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The relay's id and aware time of an event, and the receiver's id of the restaurant."""

    event_id: str
    timestamp: datetime
    restaurant_id: str
    restaurant_name: str


def envelope(
    before: Reservation | None, after: Reservation, guest: Guest | None, head: Letterhead
) -> Row | None:
    """Return the relay's envelope of a change; None where it would say nothing.

    Args:
        before: The reservation before, None for a new one.
        after: The reservation now.
        guest: Its guest; an update never repeats the guest's details.
        head: What stands around the data.
    """
    data = _said(before, after)
    if before is None:
        data |= {"restaurantName": head.restaurant_name, **_diner(guest)}
    elif not data:
        return None
    kind = "created" if before is None else "updated"
    if before and data.get("status") == "cancelled":
        kind = "cancelled"
        data |= {"cancellationReason": "Cancelled at OpenTable"}
    ids: Row = {
        "reservationId": f"{after.rid}-{after.key}",
        "restaurantId": head.restaurant_id,
    }
    return {
        "eventType": f"reservation.{kind}",
        "id": head.event_id,
        "timestamp": utc_text(head.timestamp),
        "data": ids | data,
    }


def _said(before: Reservation | None, after: Reservation) -> Row:
    now, then = _fields(after), _fields(before) if before else {}
    return {name: value for name, value in now.items() if then.get(name) != value}


def _fields(row: Reservation) -> Row:
    return {
        "partySize": row.party_size,
        "reservationDateTime": utc_text(row.scheduled),
        "status": _WORDS.get(row.state, row.state),
        "specialRequests": row.guest_request,
    }


def _diner(guest: Guest | None) -> Row:
    if guest is None:
        return {}
    name = f"{guest.first_name} {guest.last_name}".strip()
    details = {"dinerName": name, "dinerEmail": guest.email, "dinerPhone": guest.phone}
    return {field: value for field, value in details.items() if value}
