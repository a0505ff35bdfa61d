"""Reservations that the demo restaurant took by itself, as another part of the app writes them."""

from datetime import UTC, datetime, time, timedelta
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


# How many hours before its time each was taken, and how such visits of earlier days ended.
_LEADS = (1, 30, 52, 100, 170, 8, 400)
_DAILY = 3
_ENDS = ("COMPLETED",) * 8 + ("CANCELLED", "NO_SHOW")


def own_reservations(restaurant_id: str, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """Return the documents of today's own reservations.

    Args:
        restaurant_id: Lineup's id.
        zone: The restaurant's.
        now: The time, aware; its date in the zone is today.
    """
    today = now.astimezone(zone).date()
    return [
        _document(
            f"lineup-{number}", number, own, restaurant_id, datetime.combine(today, own.at, zone)
        )
        for number, own in enumerate(_TODAY, start=1)
    ]


def earlier_reservations(
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
    taken = [
        (today - timedelta(days=back), number)
        for back in range(1, days + 1)
        for number in range(1, 1 + len(_TODAY))
    ]
    return [
        _document(
            f"lineup-{day}-{number}",
            number,
            _TODAY[number - 1]._replace(
                status=_ENDS[(day.toordinal() * 3 + number * 7) % len(_ENDS)]
            ),
            restaurant_id,
            datetime.combine(day, _TODAY[number - 1].at, zone),
        )
        for day, number in taken
        if (day.toordinal() + number) % (9 - day.isoweekday()) < _DAILY
    ]


def _document(
    id_: str, number: int, own: _Own, restaurant_id: str, local: datetime
) -> dict[str, Any]:
    start = local.astimezone(UTC)
    made = start - timedelta(hours=_LEADS[number - 1])
    metadata = {"tableNumbers": [own.table], "specialRequests": own.request, "venueNotes": own.note}
    return {
        "id": id_,
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
        "createdAt": made,
        "updatedAt": made,
    }
