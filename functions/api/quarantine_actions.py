"""Replay and dismiss quarantined events, one by one or all with one reason together."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from functions.api.auth import ManagerContext, RequestContext
from functions.api.integration import require_stored_settings
from functions.api.quarantine import build_quarantine_review, require_quarantine_item
from functions.api.requests import (
    API_PREFIX,
    DocumentId,
    ReasonText,
    RequestModel,
    StaffRoute,
    Utf8Text,
)
from functions.api.responses import BODY_ERROR_RESPONSES, ApiError, ResponseModel
from shared.concurrency import Deadline
from shared.context import RestaurantContext
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.domain.privacy import mask_changes
from shared.errors import InvalidEventError
from shared.ledger.ledger import ApplyResult
from shared.quarantine.review import (
    QuarantineReview,
    StoredQuarantineItem,
    dry_run_replay,
    replay_quarantined_event,
)

# The rest of the call's time limit is for the events of the last page.
BULK_BUDGET_SECONDS = 12.0
_BULK_PAGE_SIZE = 20  # bodies may be long, so few are in memory at a time
_MAX_BULK_PAGES = 5
_REJECTED = "rejected"  # beside the outcomes of applied events

router = APIRouter(prefix=f"{API_PREFIX}/quarantine", route_class=StaffRoute)


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
    review = build_quarantine_review(context)
    item = await require_quarantine_item(review, item_id)
    if item.get("status") == "REPLAYED":
        raise ApiError(409, "ALREADY_REPLAYED", "This event was replayed before.")
    restaurant = await _require_enabled_restaurant(context)
    if query.unmask:
        await review.record_view(item_id, context.user)
    try:
        result = await _replay(context, restaurant, item_id, item, dry_run=query.dry_run)
    except InvalidEventError as rejection:
        text = f"The event still cannot be applied ({rejection}). Correct the cause, or dismiss it."
        raise ApiError(409, "STILL_REJECTED", text) from None
    changes = {} if result.write is None else result.write.entry["changes"]
    return ReplayResponse(
        dry_run=query.dry_run,
        outcome=result.outcome.value,
        reservation_id=build_reservation_document_id(result.event.external_key),
        event_id=result.event.event_id,
        changes=changes if query.unmask else mask_changes(changes),
        masked=not query.unmask,
    )


async def _replay(
    context: RequestContext,
    restaurant: RestaurantContext,
    item_id: str,
    item: StoredQuarantineItem,
    *,
    dry_run: bool,
) -> ApplyResult:
    """Apply a quarantined event and mark its item as replayed; a dry run writes nothing."""
    if dry_run:
        return await dry_run_replay(restaurant, item, context.user.uid)
    result = await replay_quarantined_event(restaurant, item, context.user.uid)
    # A failure here leaves the item open. Another replay is a duplicate for the ledger.
    await build_quarantine_review(context).mark_replayed(item_id, result, context.user)
    return result


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
    review = build_quarantine_review(context)
    await require_quarantine_item(review, item_id)
    status = await review.dismiss(item_id, body.reason, context.user)
    if status != "OPEN":
        text = f"Only an open event can be dismissed; this one is {status}."
        raise ApiError(409, "NOT_OPEN", text)
    return DismissResponse(id=item_id, status="DISMISSED")


class BulkRequest(RequestModel):
    """Which open events: those with one reason code."""

    reason: Annotated[Utf8Text, Field(min_length=1, max_length=100)]
    cursor: DocumentId | None = Field(None, description="`next` of the previous call.")


class BulkDismissRequest(BulkRequest):
    """Which open events are dismissed, and why."""

    dismiss_reason: ReasonText


class BulkQuery(RequestModel):
    """Whether the call is a dry run."""

    dry_run: bool = Field(default=False, description="Return the counts, change nothing.")


class BulkReplayResponse(ResponseModel):
    """What a bulk replay did, or would do, with some of the matching events."""

    dry_run: bool
    matching: int = Field(description="Open events with the reason, before this call.")
    processed: int
    outcomes: dict[str, int] = Field(description="Applied events by outcome.")
    rejected: int = Field(description="Events that still cannot be applied; they stay open.")
    next: str | None = Field(description="The cursor for the rest; null after the last event.")


class BulkDismissResponse(ResponseModel):
    """What a bulk dismissal did, or would do, with some of the matching events."""

    dry_run: bool
    matching: int = Field(description="Open events with the reason, before this call.")
    dismissed: int
    next: str | None = Field(description="The cursor for the rest; null after the last event.")


@router.post(
    "/replay",
    summary="Replay the open events with a reason, or make a dry run",
    responses=BODY_ERROR_RESPONSES,
)
async def replay_quarantine_items(
    context: ManagerContext, body: BulkRequest, query: Annotated[BulkQuery, Query()]
) -> BulkReplayResponse:
    """Replay up to 100 open events with a reason; `next` continues with the rest."""
    restaurant = await _require_enabled_restaurant(context)
    review = build_quarantine_review(context)
    matching = await review.count_open_by_reason(body.reason)

    async def replay(item_id: str, item: StoredQuarantineItem) -> str:
        try:
            result = await _replay(context, restaurant, item_id, item, dry_run=query.dry_run)
        except InvalidEventError:
            return _REJECTED  # one rejected event does not stop the others
        return result.outcome.value

    outcomes, cursor = await _process_open_items(review, body, replay)
    rejected_count = outcomes.pop(_REJECTED, 0)
    return BulkReplayResponse(
        dry_run=query.dry_run,
        matching=matching,
        processed=outcomes.total() + rejected_count,
        outcomes=dict(outcomes),
        rejected=rejected_count,
        next=cursor,
    )


@router.post(
    "/dismiss",
    summary="Dismiss the open events with a reason, or count them",
    responses=BODY_ERROR_RESPONSES,
)
async def dismiss_quarantine_items(
    context: ManagerContext, body: BulkDismissRequest, query: Annotated[BulkQuery, Query()]
) -> BulkDismissResponse:
    """Dismiss up to 100 open events with a reason; `next` continues with the rest."""
    review = build_quarantine_review(context)
    matching = await review.count_open_by_reason(body.reason)

    async def dismiss(item_id: str, _item: StoredQuarantineItem) -> str:
        return await review.dismiss(item_id, body.dismiss_reason, context.user)

    earlier_statuses, cursor = Counter[str](), body.cursor
    if not query.dry_run:
        earlier_statuses, cursor = await _process_open_items(review, body, dismiss)
    return BulkDismissResponse(
        dry_run=query.dry_run,
        matching=matching,
        dismissed=earlier_statuses["OPEN"],
        next=cursor,
    )


async def _process_open_items(
    review: QuarantineReview,
    body: BulkRequest,
    process: Callable[[str, StoredQuarantineItem], Awaitable[str]],
) -> tuple[Counter[str], str | None]:
    """Process open events page by page until the end or `BULK_BUDGET_SECONDS`.

    Returns the number of events by result, and the cursor for the rest.
    """
    results, cursor = Counter[str](), body.cursor
    deadline = Deadline.after(BULK_BUDGET_SECONDS)
    for _ in range(_MAX_BULK_PAGES):
        page = await review.list_open_by_reason(body.reason, _BULK_PAGE_SIZE, cursor)
        for item_id, item in page.items_by_id.items():
            results[await process(item_id, item)] += 1
        cursor = page.last_id
        if cursor is None or deadline.remaining() <= 0:
            break
    return results, cursor


async def _require_enabled_restaurant(context: RequestContext) -> RestaurantContext:
    """Return the restaurant, or raise a 409 error if its settings are disabled or unusable."""
    settings = await require_stored_settings(context)
    if not settings.is_enabled:
        text = "The integration is disabled and would reject this event. Enable it first."
        raise ApiError(409, "DISABLED", text)
    return RestaurantContext(context.app_context, settings)
