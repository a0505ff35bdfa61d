"""Quarantined events: list, show, replay, dismiss."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, ValidationError, model_validator

from functions.api.authorization import ManagerContext, RequestContext
from functions.api.integration import require_stored_settings
from functions.api.requests import (
    API_PREFIX,
    DocumentId,
    PageLimit,
    ReasonText,
    RequestModel,
    StaffRoute,
)
from functions.api.responses import (
    BODY_ERROR_RESPONSES,
    ApiError,
    ResponseModel,
    UtcInstant,
    build_not_found_error,
    build_readable_responses,
)
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.privacy import mask_changes, mask_json
from shared.domain.quarantine import describe_rejection
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidEventError
from shared.quarantine.review import (
    QuarantineReview,
    StoredQuarantineItem,
    dry_run_replay,
    list_views,
    replay_quarantined_event,
)
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
    settled_by: str | None = Field(None, description="The user who replayed or dismissed it.")
    settled_by_name: str | None = Field(None, description="That user's name, if known.")
    settled_at: UtcInstant | None = None
    dismiss_reason: str | None = None
    outcome: str | None = Field(None, description="The result of the replay.")
    reservation_id: str | None = Field(None, description="The reservation of the replay.")

    @model_validator(mode="before")
    @classmethod
    def _add_message(cls, stored: dict[str, Any]) -> dict[str, Any]:
        summary = stored.get("summary")
        message = describe_rejection(
            str(stored.get("reason")),
            str(stored.get("detail")),
            summary if isinstance(summary, dict) else {},
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
    items_by_id = await build_review(context).list_newest(query.limit)
    backlog = await read_quarantine_backlog(context.app_context, context.restaurant_id)
    names = await context.read_names(item.get("settledBy") for item in items_by_id.values())
    items = build_readable_responses(
        QuarantineItemSummary,
        (
            {**item, "id": id_, "settledByName": names.get(str(item.get("settledBy")))}
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
    verdict: AuthenticationSummary | None = Field(
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
    review = build_review(context)
    item = await _require_item(review, item_id)
    views, body = list_views(item), item.get("body")
    if query.unmask:
        views = await review.record_view(item_id, item, context.user)
    elif isinstance(body, str):
        body = mask_json(body)
    names = await context.read_names([item.get("settledBy"), *(view.get("by") for view in views)])
    fields = {
        "id": item_id,
        **item,
        "settledByName": names.get(str(item.get("settledBy"))),
        "body": body,
        "masked": not query.unmask,
        "views": [{**view, "byName": names.get(str(view.get("by")))} for view in views],
    }
    try:
        return QuarantineItemResponse.model_validate(fields)
    except ValidationError:
        raise build_not_found_error(
            "The stored event is damaged. Dismiss it, or have its document corrected."
        ) from None


class ReplayRequest(RequestModel):
    """How an event is replayed."""

    dry_run: bool = Field(default=False, description="Return the changes, apply nothing.")
    unmask: bool = Field(
        default=False,
        description="Show personal values of the changes; the viewer is recorded in the item.",
    )


class ReplayResponse(ResponseModel):
    """What a replay changed, or would change."""

    dry_run: bool
    outcome: str
    reservation_id: str
    event_id: str
    changes: dict[str, Any] = Field(
        description="Field name to `from` and `to`; personal values are masked by default."
    )
    masked: bool


@router.post("/{item_id}/replay", summary="Replay a quarantined event, or make a dry run")
async def replay_quarantine_item(
    context: ManagerContext, item_id: DocumentId, query: Annotated[ReplayRequest, Query()]
) -> ReplayResponse:
    """Apply a quarantined event to the ledger; with `dryRun` only return the changes."""
    review = build_review(context)
    item = await _require_item(review, item_id)
    if item.get("status") == "REPLAYED":
        raise ApiError(409, "ALREADY_REPLAYED", "This event was replayed before.")
    settings = await require_enabled_settings(context)
    replay = dry_run_replay if query.dry_run else replay_quarantined_event
    if query.unmask:
        await review.record_view(item_id, item, context.user)
    try:
        result = await replay(context.app_context, settings, item, context.user.uid)
    except InvalidEventError as rejection:
        text = f"The event still cannot be applied ({rejection}). Correct the cause, or dismiss it."
        raise ApiError(409, "STILL_REJECTED", text) from None
    changes = {} if result.write is None else result.write.entry["changes"]
    response = ReplayResponse(
        dry_run=query.dry_run,
        outcome=result.outcome.value,
        reservation_id=build_reservation_document_id(result.event.external_key),
        event_id=result.event.event_id,
        changes=changes if query.unmask else mask_changes(changes),
        masked=not query.unmask,
    )
    if not query.dry_run:
        resolution = response.model_dump(
            by_alias=True, include={"outcome", "reservation_id", "event_id"}
        )
        await review.resolve(item_id, "REPLAYED", context.user, **resolution)
    return response


class DismissRequest(RequestModel):
    """Why an event is dismissed."""

    reason: ReasonText


class DismissResponse(ResponseModel):
    """A dismissed event."""

    id: str
    status: str


@router.post(
    "/{item_id}/dismiss",
    summary="Dismiss a quarantined event",
    responses=BODY_ERROR_RESPONSES,
)
async def dismiss_quarantine_item(
    context: ManagerContext, item_id: DocumentId, body: DismissRequest
) -> DismissResponse:
    """Dismiss an event; it stays readable until it expires."""
    review = build_review(context)
    item = await _require_item(review, item_id)
    if item.get("status") != "OPEN":
        text = f"Only an open event can be dismissed; this one is {item.get('status')}."
        raise ApiError(409, "NOT_OPEN", text)
    await review.resolve(item_id, "DISMISSED", context.user, dismissReason=body.reason)
    return DismissResponse(id=item_id, status="DISMISSED")


async def require_enabled_settings(context: RequestContext) -> IntegrationSettings:
    """Return the stored settings, or raise a 409 error if they are disabled or unusable."""
    settings = await require_stored_settings(context)
    if not settings.is_enabled:
        text = "The integration is disabled and would reject this event. Enable it first."
        raise ApiError(409, "DISABLED", text)
    return settings


def build_review(context: RequestContext) -> QuarantineReview:
    """Return the review of the restaurant's quarantine."""
    app_context = context.app_context
    return QuarantineReview(app_context.firestore, context.restaurant_id, app_context.clock)


async def _require_item(review: QuarantineReview, item_id: str) -> StoredQuarantineItem:
    item = await review.read_item(item_id)
    if item is None:
        raise build_not_found_error("The quarantine has no such event; it may have expired.")
    return item
