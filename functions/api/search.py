"""Search the reservations of all days by guest."""

from fastapi import APIRouter
from pydantic import Field

from functions.api.authorization import HostContext
from functions.api.integration import require_cached_settings
from functions.api.requests import API_PREFIX, RequestModel, StaffRoute, Utf8Text
from functions.api.reservations import ReservationResponse, build_reservation_response
from functions.api.responses import (
    BODY_ERROR_RESPONSES,
    ResponseModel,
    build_invalid_request_error,
)
from shared.domain.search import parse_search_text
from shared.errors import InvalidCursorError
from shared.ledger.search import search_reservations

router = APIRouter(prefix=f"{API_PREFIX}/reservations", route_class=StaffRoute)


class SearchRequest(RequestModel):
    """Whom to find. A body, because addresses are logged."""

    text: Utf8Text = Field(
        min_length=1,
        max_length=100,
        description="Beginnings of the guest's names, or the end of the phone number in any form.",
    )
    limit: int = Field(20, ge=1, le=50)
    cursor: Utf8Text | None = Field(
        None, max_length=1_000, description="`next` of the previous page."
    )


class SearchResponse(ResponseModel):
    """Found reservations: upcoming days first, then past days, then those without a day."""

    reservations: list[ReservationResponse]
    next: str | None = Field(description="The cursor of the next page; null on the last page.")


@router.post(
    "/search", summary="Search the reservations of all days", responses=BODY_ERROR_RESPONSES
)
async def search_all_days(context: HostContext, body: SearchRequest) -> SearchResponse:
    """Find reservations of any day by the guest's name or phone number.

    A page may have fewer results than the limit, also none, although `next` is set.
    """
    query = parse_search_text(body.text)
    if query is None:
        text = "Enter a part of the guest's name, or at least the last four digits of the number."
        raise build_invalid_request_error(text)
    settings = await require_cached_settings(context)
    zone = settings.require_zone()
    app_context = context.app_context
    try:
        page = await search_reservations(
            app_context.firestore,
            context.restaurant_id,
            query,
            today=app_context.clock().astimezone(zone).date(),
            limit=body.limit,
            cursor=body.cursor,
        )
    except InvalidCursorError:
        text = "The cursor must be the `next` of an earlier page."
        raise build_invalid_request_error(text) from None
    found = [
        build_reservation_response(id_, document, settings)
        for id_, document in page.documents.items()
    ]
    return SearchResponse(reservations=found, next=page.next_cursor)
