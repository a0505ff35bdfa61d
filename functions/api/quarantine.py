"""List and show quarantined events."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, ValidationError, model_validator

from functions.api.auth import ManagerContext, RequestContext
from functions.api.requests import API_PREFIX, DocumentId, PageLimit, RequestModel, StaffRoute
from functions.api.responses import (
    ResponseModel,
    UtcInstant,
    build_not_found_error,
    build_readable_responses,
)
from shared.domain.privacy import mask_json
from shared.domain.quarantine import describe_rejection
from shared.domain.validation import read_map, typed_or_none
from shared.quarantine.review import QuarantineReview, StoredQuarantineItem
from shared.quarantine.store import read_quarantine_backlog

router = APIRouter(prefix=f"{API_PREFIX}/quarantine", route_class=StaffRoute)


class EventSummary(ResponseModel):
    """What an event is about, as received; null values are unknown or hidden."""

    event_type: str | None = Field(None, description="Null for a row of OpenTable's.")
    external_id: str | None = None
    start_at: str | None = Field(None, description="The time as received.")
    party_size: str | None = Field(None, description="The party size as received.")
    guest: str | None = Field(None, description="The guest's initials.")


class QuarantineItemSummary(ResponseModel):
    """A quarantined event."""

    id: str
    status: str
    reason: str
    detail: str
    message: str = Field(description="The reason in plain words, and what to do.")
    summary: EventSummary = Field(default_factory=EventSummary)
    received_at: UtcInstant
    last_seen_at: UtcInstant
    count: int = Field(description="How often the event was received.")
    resolved_by: str | None = Field(None, description="The user who replayed or dismissed it.")
    resolved_by_name: str | None = Field(None, description="That user's name, if known.")
    resolved_at: UtcInstant | None = None
    dismiss_reason: str | None = None
    outcome: str | None = Field(None, description="The result of the replay.")
    reservation_id: str | None = Field(None, description="The reservation of the replay.")

    @model_validator(mode="before")
    @classmethod
    def _add_message(cls, stored: dict[str, Any]) -> dict[str, Any]:
        message = describe_rejection(
            str(stored.get("reason")), str(stored.get("detail")), read_map(stored, "summary")
        )
        return {**stored, "message": message}


class QuarantineListRequest(RequestModel):
    """How many items."""

    limit: PageLimit = 50


class QuarantineListResponse(ResponseModel):
    """Quarantined events: open ones first, then newest first."""

    open_count: int
    items: list[QuarantineItemSummary]


@router.get("", summary="List the newest quarantined events, open ones first")
async def list_quarantine_items(
    context: ManagerContext, query: Annotated[QuarantineListRequest, Query()]
) -> QuarantineListResponse:
    """Return the newest quarantined events, without their bodies."""
    items_by_id = await build_quarantine_review(context).list_newest(query.limit)
    backlog = await read_quarantine_backlog(context.app_context, context.restaurant_id)
    names = await context.read_names(item.get("resolvedBy") for item in items_by_id.values())
    items = build_readable_responses(
        QuarantineItemSummary,
        (
            {**item, "id": id_, "resolvedByName": names.get(str(item.get("resolvedBy")))}
            for id_, item in items_by_id.items()
        ),
        context.restaurant_id,
        "openTableQuarantine",
    )
    return QuarantineListResponse(open_count=backlog.open_count, items=items)


class AuthenticationSummary(ResponseModel):
    """How the sender authenticated."""

    scheme: str
    credential_index: int | None = Field(
        description="Position of the matching credential, 0 is the newest."
    )


class QuarantineItemRequest(RequestModel):
    """How an item is shown."""

    unmask: bool = Field(
        default=False, description="Show personal values; the viewer is recorded in the item."
    )


class QuarantineView(ResponseModel):
    """A view of an item's personal data."""

    by: str
    by_name: str | None = Field(None, description="The user's name, if known.")
    at: UtcInstant


class QuarantineItemResponse(QuarantineItemSummary):
    """A quarantined event with its body."""

    content_type: str
    body: str = Field(description="The body as received; personal values are masked by default.")
    masked: bool
    authentication: AuthenticationSummary | None = Field(
        description="Null for an event fetched from OpenTable."
    )
    views: list[QuarantineView] = Field(
        description="The newest views of the personal data, oldest first."
    )


@router.get("/{item_id}", summary="Get a quarantined event")
async def get_quarantine_item(
    context: ManagerContext,
    item_id: DocumentId,
    query: Annotated[QuarantineItemRequest, Query()],
) -> QuarantineItemResponse:
    """Return a quarantined event."""
    review = build_quarantine_review(context)
    item = await require_quarantine_item(review, item_id)
    stored_views = typed_or_none(list, item.get("unmaskLog")) or []
    if query.unmask:
        stored_views = await review.record_view(item_id, context.user)
    views = [view for view in stored_views if isinstance(view, Mapping)]
    body = typed_or_none(str, item.get("body"))
    names = await context.read_names([item.get("resolvedBy"), *(view.get("by") for view in views)])
    fields = {
        **item,
        "id": item_id,
        "resolvedByName": names.get(str(item.get("resolvedBy"))),
        "body": mask_json(body) if body is not None and not query.unmask else body,
        "masked": not query.unmask,
        "views": build_readable_responses(
            QuarantineView,
            ({**view, "byName": names.get(str(view.get("by")))} for view in views),
            context.restaurant_id,
            "openTableQuarantine",
        ),
    }
    try:
        return QuarantineItemResponse.model_validate(fields)
    except ValidationError:
        text = "The stored event is damaged. Dismiss it, or choose another one from the list."
        raise build_not_found_error(text) from None


def build_quarantine_review(context: RequestContext) -> QuarantineReview:
    """Return the review of the restaurant's quarantine."""
    return QuarantineReview(context.firestore, context.restaurant_id, context.app_context.clock)


async def require_quarantine_item(review: QuarantineReview, item_id: str) -> StoredQuarantineItem:
    """Return a stored event with its body, or raise a 404 error."""
    item = await review.read_item(item_id)
    if item is None:
        raise build_not_found_error("The quarantine has no such event; it may have expired.")
    return item
