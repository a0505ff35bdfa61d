"""The calls about reservations: a day, and one reservation's story."""

from typing import Any

from pydantic import Field

from functions.api.book import (
    DayRequest,
    DayResponse,
    ReservationResponse,
    build_reservation_response,
    build_sorted_reservations,
)
from functions.api.models import (
    EmptyRequest,
    PageLimit,
    RequestModel,
    ResponseModel,
    UtcInstant,
    Utf8Text,
)
from functions.api.replies import ApiError, ApiResponse
from functions.api.routing import RequestContext, Route, build_not_found_error
from functions.api.usable import require_cached_settings
from shared.firestore import paths
from shared.firestore.documents import read_document
from shared.ledger.queries import (
    InvalidCursorError,
    compute_day_etag,
    read_day_reservations,
    read_journal_page,
)
from shared.staff.auth import Role


async def list_reservations(context: RequestContext[DayRequest, EmptyRequest]) -> ApiResponse:
    """Answer with a day of the book, or 304 where the caller has it as it is."""
    zone = (await require_cached_settings(context)).require_zone()
    today = context.app_context.clock().astimezone(zone).date()
    date = (context.query.day or today).isoformat()
    client, restaurant_id = context.app_context.firestore, context.restaurant_id
    # Read before the day itself: what changes in between is then told at the next look.
    etag = f'W/"{await compute_day_etag(client, restaurant_id, date, zone.key)}"'
    headers = {"ETag": etag}
    if etag in map(str.strip, context.headers.get("if-none-match", "").split(",")):
        return ApiResponse(None, 304, headers)
    day_reservations = await read_day_reservations(client, restaurant_id, date)
    reservations, incomplete = (
        build_sorted_reservations(day_reservations.dated, zone),
        build_sorted_reservations(day_reservations.undated, zone),
    )
    body = DayResponse(
        date=date, time_zone=zone.key, reservations=reservations, incomplete=incomplete
    )
    return ApiResponse(body, headers=headers)


async def get_reservation(context: RequestContext[EmptyRequest, EmptyRequest]) -> ApiResponse:
    """Answer with one reservation, whichever day it is on."""
    zone = (await require_cached_settings(context)).require_zone()
    return ApiResponse(
        build_reservation_response(context.id, await _require_reservation(context), zone)
    )


class JournalRequest(RequestModel):
    """Which page of a story."""

    limit: PageLimit = 100
    cursor: Utf8Text | None = Field(None, max_length=1_000, description="The `next` of a page.")


class JournalEntryResponse(ResponseModel):
    """One entry of a reservation's journal."""

    event_id: str
    event_type: str
    source: str
    actor: str
    occurred_at: UtcInstant
    received_at: UtcInstant
    sequence_id: int | None
    outcome: str
    changes: dict[str, Any]


class JournalPageResponse(ResponseModel):
    """A page of a reservation's journal, oldest first."""

    events: list[JournalEntryResponse]
    next: str | None = Field(description="The cursor of the next page, null on the last.")


async def list_journal_entries(
    context: RequestContext[JournalRequest, EmptyRequest],
) -> ApiResponse:
    """Answer with a page of a reservation's journal."""
    app_context, query = context.app_context, context.query
    try:
        page = await read_journal_page(
            app_context, context.restaurant_id, context.id, query.limit, query.cursor
        )
    except InvalidCursorError:
        text = "The cursor must be the `next` of an earlier page."
        raise ApiError(400, "INVALID_REQUEST", text) from None
    if not page.entries and query.cursor is None:
        await require_system_and_status(context)
    events = [JournalEntryResponse.model_validate(entry) for entry in page.entries]
    return ApiResponse(JournalPageResponse(events=events, next=page.next_cursor))


async def require_system_and_status(
    context: RequestContext[Any, Any],
) -> tuple[str | None, str | None]:
    """Return where a reservation was made and its status.

    Raises:
        RefusalError: When there is no such reservation.
    """
    document = await _require_reservation(context)
    return (document.get("source") or {}).get("system"), document.get("status")


async def _require_reservation(context: RequestContext[Any, Any]) -> dict[str, Any]:
    """Return the document that a call names (see `require_system_and_status`)."""
    reservations = paths.reservations_collection(
        context.app_context.firestore, context.restaurant_id
    )
    document = (await read_document(reservations.document(context.id))).to_dict()
    if document is None:
        raise build_not_found_error("There is no reservation of this id in this restaurant.")
    return document


ROUTES = (
    Route(
        "GET",
        "reservations",
        Role.HOST,
        "A day of the book",
        list_reservations,
        DayResponse,
        DayRequest,
        EmptyRequest,
        "If-None-Match",
    ),
    Route(
        "GET",
        "reservations/{id}",
        Role.HOST,
        "One reservation",
        get_reservation,
        ReservationResponse,
        EmptyRequest,
        EmptyRequest,
    ),
    Route(
        "GET",
        "reservations/{id}/events",
        Role.HOST,
        "A reservation's journal, oldest first",
        list_journal_entries,
        JournalPageResponse,
        JournalRequest,
        EmptyRequest,
    ),
)
