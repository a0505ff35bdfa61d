"""Quarantined events: list, show, replay, dismiss."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

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
from shared.domain.privacy import mask_json
from shared.errors import InvalidEventError
from shared.quarantine.review import (
    QuarantineReview,
    StoredQuarantineItem,
    dry_run_replay,
    replay_quarantined_event,
)
from shared.quarantine.store import read_quarantine_backlog

router = APIRouter(prefix=f"{API_PREFIX}/quarantine", route_class=StaffRoute)


class QuarantineItemSummary(ResponseModel):
    """A quarantined event."""

    id: str
    status: str
    reason: str
    detail: str
    received_at: UtcInstant
    last_seen_at: UtcInstant
    count: int = Field(description="How often the event was received.")


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
    items_by_id = await _build_review(context).list_newest(query.limit)
    backlog = await read_quarantine_backlog(context.app_context, context.restaurant_id)
    items = build_readable_responses(
        QuarantineItemSummary,
        ({**item, "id": id_} for id_, item in items_by_id.items()),
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


class QuarantineItemResponse(QuarantineItemSummary):
    """A quarantined event with its body."""

    content_type: str
    body: str = Field(description="The body as received; personal values are masked by default.")
    masked: bool
    verdict: AuthenticationSummary | None = Field(
        description="Null for an event fetched from OpenTable."
    )


@router.get("/{item_id}", summary="Get a quarantined event")
async def get_quarantine_item(
    context: ManagerContext,
    item_id: DocumentId,
    query: Annotated[QuarantineItemRequest, Query()],
) -> QuarantineItemResponse:
    """Return a quarantined event."""
    review = _build_review(context)
    item = await _require_item(review, item_id)
    if query.unmask:
        await review.record_view(item_id, item, context.user)
    body = item["body"] if query.unmask else mask_json(item["body"])
    fields = {"id": item_id, **item, "body": body, "masked": not query.unmask}
    return QuarantineItemResponse.model_validate(fields)


class ReplayRequest(RequestModel):
    """Whether the replay is a dry run."""

    dry_run: bool = Field(default=False, description="Return the changes, write nothing.")


class ReplayResponse(ResponseModel):
    """What a replay changed, or would change."""

    dry_run: bool
    outcome: str
    reservation_id: str
    event_id: str
    changes: dict[str, Any] = Field(description="Field name to `from` and `to`.")


@router.post("/{item_id}/replay", summary="Replay a quarantined event, or make a dry run")
async def replay_quarantine_item(
    context: ManagerContext, item_id: DocumentId, query: Annotated[ReplayRequest, Query()]
) -> ReplayResponse:
    """Apply a quarantined event to the ledger; with `dryRun` only return the changes."""
    review = _build_review(context)
    item = await _require_item(review, item_id)
    if item["status"] == "REPLAYED":
        raise ApiError(409, "ALREADY_REPLAYED", "This event was replayed before.")
    settings = await require_stored_settings(context)
    if not settings.is_enabled:
        text = "The integration is disabled and would reject this event. Enable it first."
        raise ApiError(409, "DISABLED", text)
    replay = dry_run_replay if query.dry_run else replay_quarantined_event
    try:
        result = await replay(context.app_context, settings, item)
    except InvalidEventError as rejection:
        text = f"The event still cannot be applied ({rejection}). Correct the cause, or dismiss it."
        raise ApiError(409, "STILL_REJECTED", text) from None
    response = ReplayResponse(
        dry_run=query.dry_run,
        outcome=result.outcome.value,
        reservation_id=build_reservation_document_id(result.event.external_key),
        event_id=result.event.event_id,
        changes={} if result.write is None else result.write.entry["changes"],
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
    review = _build_review(context)
    item = await _require_item(review, item_id)
    if item["status"] != "OPEN":
        text = f"Only an open event can be dismissed; this one is {item['status']}."
        raise ApiError(409, "NOT_OPEN", text)
    await review.resolve(item_id, "DISMISSED", context.user, dismissReason=body.reason)
    return DismissResponse(id=item_id, status="DISMISSED")


def _build_review(context: RequestContext) -> QuarantineReview:
    app_context = context.app_context
    return QuarantineReview(app_context.firestore, context.restaurant_id, app_context.clock)


async def _require_item(review: QuarantineReview, item_id: str) -> StoredQuarantineItem:
    item = await review.read_item(item_id)
    if item is None:
        raise build_not_found_error("The quarantine has no such event; it may have expired.")
    return item
