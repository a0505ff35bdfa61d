"""Sample data for all screens: a Saturday evening and four weeks of analytics."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shared.domain.analytics import RollupBuilder
from shared.domain.days import DateWindow
from shared.firestore import paths
from tests.public.harness import NEW_YORK, PAGE_DAY, PageHarness

_RESERVATIONS: tuple[tuple[str, str, int, str, str, str | None], ...] = (
    ("17:30", "Beatriz Aldana", 4, "Done", "3", None),
    ("18:00", "Kofi Mensah", 2, "Seated", "6", "Anniversary"),
    ("18:00", "Yuki Tanabe", 5, "Seated", "14", None),
    ("18:45", "Eleni Markou", 3, "AllArrived", "", "Nut allergy"),
    ("19:00", "Ada Lovelace", 4, "Confirmed", "12", "Window seat, please"),
    ("19:00", "Tomasz Wilk", 2, "NotConfirmed", "", None),
    ("19:30", "Priya Raman", 8, "Confirmed", "21", "Two high chairs"),
    ("19:45", "Ola Nystrom", 2, "Cancelled", "", None),
    ("20:15", "Hugo Marchetti", 4, "Confirmed", "", None),
    ("20:30", "Amara Diallo", 2, "NotConfirmed", "", "Quiet table"),
    ("21:00", "Wen Jiahui", 6, "Confirmed", "18", None),
)


@dataclass(frozen=True, slots=True)
class ScreenData:
    """The ids of a report with corrections and of a quarantined event."""

    report_id: str
    quarantine_item: str


async def seed_screen_data(stand: PageHarness) -> ScreenData:
    """Create a restaurant's reservations, reports and quarantine."""
    booked = stand.opentable.book_at(stand.restaurant.rid, 4)
    await stand.poll()
    await stand.reconcile()
    booked.actions.change_party_size(booked.reservation.key, 6)
    booked.actions.assign_tables(booked.reservation.key, "23")
    await stand.write_native_reservations()
    for number, entry in enumerate(_RESERVATIONS, start=1):
        await _add_reservation(stand, f"ot_{number}", *entry)
    report = await stand.reconcile()
    await stand.send_envelope(
        "updated", 9, reservationId="early", dinerName="Sophie Germain", partySize=2
    )
    await stand.send_invalid_envelope()
    return ScreenData(report["reportId"], (await _quarantine_item_ids(stand))[0])


async def _add_reservation(
    stand: PageHarness,
    key: str,
    at: str,
    name: str,
    party: int,
    state: str,
    table: str,
    wish: str | None,
) -> None:
    """Have the relay name the guest, and OpenTable say the rest."""
    await stand.send_envelope(reservationId=key, dinerName=name, dinerPhone="+12125550100")
    start = datetime.fromisoformat(f"{PAGE_DAY}T{at}").replace(tzinfo=NEW_YORK)
    row: dict[str, Any] = {
        "id": f"{stand.restaurant.rid}-{key}",
        "state": state,
        "party_size": party,
        "scheduled_time": f"{PAGE_DAY}T{at}:00",
        "scheduled_time_utc": f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "table_number": [table] if table else [],
        "guest_request": wish,
    }
    answer = await stand.sender.send(stand.sender.row(60, **row))
    assert answer.status_code == 200, answer.text


async def _quarantine_item_ids(stand: PageHarness) -> list[str]:
    items = stand.client.collection("restaurants", stand.restaurant.id, "openTableQuarantine")
    return [item.id async for item in items.list_documents()]


BUSY_MONTH = DateWindow(date(2026, 2, 14), date(2026, 3, 13))
BUSY_MONTH_SPAN = f"{BUSY_MONTH.start}_{BUSY_MONTH.end}"


async def store_rollups(
    stand: PageHarness, window: DateWindow = BUSY_MONTH, *, empty: bool = False
) -> None:
    """Store the days' roll-ups."""
    tally = RollupBuilder(window.list_dates(), NEW_YORK)
    for document in () if empty else _month_documents(window):
        tally.add_document(document)
    patterns = paths.analytics_collection(stand.client, stand.restaurant.id)
    for day, sources in tally.build_rollups().items():
        await patterns.document(day).set({"localDate": day, "sources": sources})


def _month_documents(window: DateWindow) -> Iterator[dict[str, Any]]:
    rng = random.Random(7)
    for day in map(date.fromisoformat, window.list_dates()):
        for _ in range(8 + 4 * day.isoweekday()):
            at = datetime.combine(day, time(rng.choices((12, 18, 19, 20, 21), (2, 5, 6, 4, 1))[0]))
            yield _month_document(rng, at.replace(tzinfo=NEW_YORK).astimezone(UTC), day)


def _month_document(rng: random.Random, start: datetime, day: date) -> dict[str, Any]:
    return {
        "source": {"system": rng.choices(("OPENTABLE", "LINEUP"), (3, 1))[0]},
        "localDate": day.isoformat(),
        "startAtTimestamp": start,
        "partySize": rng.choices((1, 2, 3, 4, 5, 6, 8, 12), (2, 40, 15, 20, 6, 8, 3, 1))[0],
        "status": rng.choices(("COMPLETED", "CANCELLED", "NO_SHOW"), (86, 9, 5))[0],
        "bookedAt": start - timedelta(hours=rng.choice((1, 5, 25, 60, 100, 200, 500, 800))),
        "metadata": {"origin": rng.choices(("Web", "Walk-in"), (9, 1))[0]},
    }
