"""Reservations that the demo restaurant took by itself, as another part of the app writes them."""

from datetime import UTC, datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from shared.core.times import utc_text


class _Own(NamedTuple):
    at: time
    name: str
    party: int
    table: str
    status: str
    request: str | None = None
    note: str | None = None


_TODAY = (
    _Own(time(12, 30), "Rosa Okafor", 2, "4", "COMPLETED"),
    _Own(time(18, 15), "Milan Petersen", 3, "9", "SEATED", "High chair"),
    _Own(time(19, 0), "Ines Takahashi", 4, "11", "CONFIRMED", note="Regular, likes the corner"),
    _Own(time(19, 30), "Samir Lindqvist", 2, "7", "BOOKED", "Birthday, a candle with dessert"),
    _Own(time(19, 45), "Noor Abernathy", 6, "20", "CONFIRMED", "Two vegetarians"),
    _Own(time(20, 0), "Jonas Achterberg", 2, "5", "CANCELLED"),
    _Own(time(20, 45), "Leila Fontaine", 5, "15", "CONFIRMED"),
)


def own_reservations(restaurant_id: str, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """Return the documents of today's own reservations.

    Args:
        restaurant_id: Lineup's id.
        zone: The restaurant's.
        now: The time, aware; its date in the zone is today.
    """
    today = now.astimezone(zone).date()
    return [
        _document(number, own, restaurant_id, datetime.combine(today, own.at, zone), now)
        for number, own in enumerate(_TODAY, start=1)
    ]


def _document(
    number: int, own: _Own, restaurant_id: str, local: datetime, now: datetime
) -> dict[str, Any]:
    start = local.astimezone(UTC)
    metadata = {"tableNumbers": [own.table], "specialRequests": own.request, "venueNotes": own.note}
    return {
        "id": f"lineup-{number}",
        "restaurantId": restaurant_id,
        "source": {"system": "LINEUP"},
        "startAt": utc_text(start),
        "startAtTimestamp": start,
        "localDate": local.date().isoformat(),
        "partySize": own.party,
        "dinerName": own.name,
        "dinerId": f"diner-{number}",
        "phone": f"+1212555{100 + number:04}",
        "email": None,
        "status": own.status,
        "statusHistory": [],
        "metadata": metadata,
        "createdAt": now,
        "updatedAt": now,
    }
