"""Reservations that the demo restaurant took by itself, as another part of the app writes them."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from shared.core.times import format_utc


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
    """Return the documents of today's own reservations.

    Args:
        restaurant_id: Lineup's id.
        zone: The restaurant's.
        now: The time, aware; its date in the zone is today.
    """
    today = now.astimezone(zone).date()
    return [
        _build_document(
            f"lineup-{number}",
            number,
            reservation,
            restaurant_id,
            datetime.combine(today, reservation.local_time, zone),
        )
        for number, reservation in enumerate(_TODAY_RESERVATIONS, start=1)
    ]


def build_past_reservations(
    restaurant_id: str, zone: ZoneInfo, now: datetime, days: int
) -> list[dict[str, Any]]:
    """Return the documents of the own reservations of so many days before today.

    Args:
        restaurant_id: Lineup's id.
        zone: The restaurant's.
        now: The time, aware.
        days: How many days back.
    """
    today = now.astimezone(zone).date()
    slots = [
        (today - timedelta(days=days_back), number)
        for days_back in range(1, days + 1)
        for number in range(1, 1 + len(_TODAY_RESERVATIONS))
    ]
    return [
        _build_document(
            f"lineup-{day}-{number}",
            number,
            _TODAY_RESERVATIONS[number - 1]._replace(
                status=_PAST_STATUSES[(day.toordinal() * 3 + number * 7) % len(_PAST_STATUSES)]
            ),
            restaurant_id,
            datetime.combine(day, _TODAY_RESERVATIONS[number - 1].local_time, zone),
        )
        for day, number in slots
        if (day.toordinal() + number) % (9 - day.isoweekday()) < _DAILY_THRESHOLD
    ]


def _build_document(
    id_: str, number: int, reservation: _DemoReservation, restaurant_id: str, local_start: datetime
) -> dict[str, Any]:
    start = local_start.astimezone(UTC)
    created = start - timedelta(hours=_LEAD_HOURS[number - 1])
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
        "phone": f"+1212555{100 + number:04}",
        "email": None,
        "status": reservation.status,
        "statusHistory": [],
        "metadata": metadata,
        "createdAt": created,
        "updatedAt": created,
    }
