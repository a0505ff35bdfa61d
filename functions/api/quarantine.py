"""The calls about the quarantine: the list, and one item."""

from typing import Any

from pydantic import Field

from functions.api.models import (
    EmptyRequest,
    PageLimit,
    RequestModel,
    ResponseModel,
    UtcInstant,
)
from functions.api.replies import ApiResponse
from functions.api.routing import RequestContext, Route, build_not_found_error
from shared.domain.privacy import mask_json
from shared.quarantine.review import QuarantineReview, StoredQuarantineItem
from shared.quarantine.store import read_quarantine_backlog
from shared.staff.auth import Role


class QuarantineItemSummary(ResponseModel):
    """A statement that was kept aside."""

    id: str
    status: str
    reason: str
    detail: str
    received_at: UtcInstant
    last_seen_at: UtcInstant
    count: int = Field(description="How often it came.")


class AuthenticationSummary(ResponseModel):
    """How a sender proved who it is."""

    scheme: str
    credential_index: int | None = Field(
        description="Which of the live keys matched, 0 the newest."
    )


class QuarantineItemResponse(QuarantineItemSummary):
    """A statement that was kept aside, with what it says."""

    content_type: str
    body: str = Field(description="As it came; personal values masked unless asked for.")
    masked: bool
    verdict: AuthenticationSummary | None = Field(
        description="Null for what we asked OpenTable for."
    )


class QuarantineListRequest(RequestModel):
    """How many items."""

    limit: PageLimit = 50


class QuarantineListResponse(ResponseModel):
    """Items of the quarantine: open ones first, then newest first."""

    open_count: int
    items: list[QuarantineItemSummary]


async def list_quarantine_items(
    context: RequestContext[QuarantineListRequest, EmptyRequest],
) -> ApiResponse:
    """Answer with the newest items."""
    review = build_quarantine_review(context)
    items_by_id = await review.list_newest(context.query.limit)
    items = [
        QuarantineItemSummary.model_validate({"id": id_, **item})
        for id_, item in items_by_id.items()
    ]
    backlog = await read_quarantine_backlog(context.app_context, context.restaurant_id)
    return ApiResponse(QuarantineListResponse(open_count=backlog.open_count, items=items))


class QuarantineItemRequest(RequestModel):
    """How an item is shown."""

    unmask: bool = Field(
        default=False, description="Show personal values; who looks is written in the item."
    )


async def get_quarantine_item(
    context: RequestContext[QuarantineItemRequest, EmptyRequest],
) -> ApiResponse:
    """Answer with an item."""
    review, unmask = build_quarantine_review(context), context.query.unmask
    item = await require_quarantine_item(context, review)
    if unmask:
        await review.record_view(context.id, item, context.user)
    body = item["body"] if unmask else mask_json(item["body"])
    fields = {"id": context.id, **item, "body": body, "masked": not unmask}
    return ApiResponse(QuarantineItemResponse.model_validate(fields))


def build_quarantine_review(context: RequestContext[Any, Any]) -> QuarantineReview:
    """Return the desk at which a restaurant's quarantine is worked through."""
    app_context = context.app_context
    return QuarantineReview(app_context.firestore, context.restaurant_id, app_context.clock)


async def require_quarantine_item(
    context: RequestContext[Any, Any], review: QuarantineReview
) -> StoredQuarantineItem:
    """Return the item that a call names.

    Raises:
        RefusalError: When there is none.
    """
    item = await review.read_item(context.id)
    if item is None:
        raise build_not_found_error("There is no such item in the quarantine; it may have expired.")
    return item


ROUTES = (
    Route(
        "GET",
        "quarantine",
        Role.MANAGER,
        "The newest statements kept aside, open ones first",
        list_quarantine_items,
        QuarantineListResponse,
        QuarantineListRequest,
        EmptyRequest,
    ),
    Route(
        "GET",
        "quarantine/{id}",
        Role.MANAGER,
        "One statement kept aside",
        get_quarantine_item,
        QuarantineItemResponse,
        QuarantineItemRequest,
        EmptyRequest,
    ),
)
