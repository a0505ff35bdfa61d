"""The calls about reservations: a day, and one reservation's story."""

from typing import Any

from pydantic import Field

from functions.staff.book import Day, DayAsked, Reservation, by_time, shown
from functions.staff.models import Asked, Instant, Limit, Nothing, Text, Told
from functions.staff.replies import RefusalError, Reply
from functions.staff.routing import Route, Visit, not_found
from functions.staff.usable import usable_settings
from shared.edge import paths
from shared.edge.reading import read_one
from shared.edge.staff.day import day_tag, read_day
from shared.edge.staff.membership import Role
from shared.edge.staff.story import InvalidCursorError, read_story


async def day(visit: Visit[DayAsked, Nothing]) -> Reply:
    """Answer with a day of the book, or 304 where the caller has it as it is."""
    zone = (await usable_settings(visit)).usable_zone()
    today = visit.services.clock().astimezone(zone).date()
    date = (visit.query.day or today).isoformat()
    client, restaurant_id = visit.services.firestore, visit.restaurant_id
    # Read before the day itself: what changes in between is then told at the next look.
    tag = f'W/"{await day_tag(client, restaurant_id, date, zone.key)}"'
    headers = {"ETag": tag}
    if tag in map(str.strip, visit.headers.get("if-none-match", "").split(",")):
        return Reply(None, 304, headers)
    found = await read_day(client, restaurant_id, date)
    reservations, incomplete = by_time(found.dated, zone), by_time(found.undated, zone)
    body = Day(date=date, time_zone=zone.key, reservations=reservations, incomplete=incomplete)
    return Reply(body, headers=headers)


async def one(visit: Visit[Nothing, Nothing]) -> Reply:
    """Answer with one reservation, whichever day it is on."""
    zone = (await usable_settings(visit)).usable_zone()
    return Reply(shown(visit.id, await _held(visit), zone))


class StoryAsked(Asked):
    """Which page of a story."""

    limit: Limit = 100
    cursor: Text | None = Field(None, max_length=1_000, description="The `next` of a page.")


class JournalEvent(Told):
    """One entry of a reservation's journal."""

    event_id: str
    event_type: str
    source: str
    speaker: str
    occurred_at: Instant
    received_at: Instant
    sequence_id: int | None
    outcome: str
    changes: dict[str, Any]


class Story(Told):
    """A page of a reservation's journal, oldest first."""

    events: list[JournalEvent]
    next: str | None = Field(description="The cursor of the next page, null on the last.")


async def story(visit: Visit[StoryAsked, Nothing]) -> Reply:
    """Answer with a page of a reservation's journal."""
    services, asked = visit.services, visit.query
    try:
        page = await read_story(services, visit.restaurant_id, visit.id, asked.limit, asked.cursor)
    except InvalidCursorError:
        text = "The cursor must be the `next` of an earlier page."
        raise RefusalError(400, "INVALID_REQUEST", text) from None
    if not page.entries and asked.cursor is None:
        await system_and_status(visit)
    events = [JournalEvent.model_validate(entry) for entry in page.entries]
    return Reply(Story(events=events, next=page.next))


async def system_and_status(visit: Visit[Any, Any]) -> tuple[str | None, str | None]:
    """Return where a reservation was made and its status.

    Raises:
        RefusalError: When there is no such reservation.
    """
    document = await _held(visit)
    return (document.get("source") or {}).get("system"), document.get("status")


async def _held(visit: Visit[Any, Any]) -> dict[str, Any]:
    """Return the document that a call names (see `system_and_status`)."""
    reservations = paths.reservations(visit.services.firestore, visit.restaurant_id)
    document = (await read_one(reservations.document(visit.id))).to_dict()
    if document is None:
        raise not_found("There is no reservation of this id in this restaurant.")
    return document


ROUTES = (
    Route(
        "GET",
        "reservations",
        Role.HOST,
        "A day of the book",
        day,
        Day,
        DayAsked,
        Nothing,
        "If-None-Match",
    ),
    Route(
        "GET",
        "reservations/{id}",
        Role.HOST,
        "One reservation",
        one,
        Reservation,
        Nothing,
        Nothing,
    ),
    Route(
        "GET",
        "reservations/{id}/events",
        Role.HOST,
        "A reservation's journal, oldest first",
        story,
        Story,
        StoryAsked,
        Nothing,
    ),
)
