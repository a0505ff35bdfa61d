"""Replay or dismiss the quarantined events with one reason together."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from functions.api.authorization import ManagerContext
from functions.api.quarantine import build_review, require_enabled_settings
from functions.api.requests import (
    API_PREFIX,
    DocumentIdInBody,
    ReasonText,
    RequestModel,
    StaffRoute,
    Utf8Text,
)
from functions.api.responses import BODY_ERROR_RESPONSES, ResponseModel
from shared.concurrency import Deadline
from shared.domain.normalization.identifiers import build_reservation_document_id
from shared.errors import InvalidEventError
from shared.quarantine.review import dry_run_replay, replay_quarantined_event

# The rest of the call's time limit is for the events of the last page.
BULK_BUDGET_SECONDS = 12.0
_BULK_PAGE_SIZE = 20  # bodies may be long, so few are in memory at a time
_MAX_BULK_PAGES = 5

router = APIRouter(prefix=f"{API_PREFIX}/quarantine", route_class=StaffRoute)


class BulkRequest(RequestModel):
    """Which open events: those with one reason code."""

    reason: Annotated[Utf8Text, Field(min_length=1, max_length=100)]
    cursor: DocumentIdInBody | None = Field(None, description="`next` of the previous call.")


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
    settings, review = await require_enabled_settings(context), build_review(context)
    matching = await review.count_open_by_reason(body.reason)
    replay = dry_run_replay if query.dry_run else replay_quarantined_event
    outcomes: Counter[str] = Counter()
    rejected_count, deadline, cursor = 0, Deadline.after(BULK_BUDGET_SECONDS), body.cursor
    for _ in range(_MAX_BULK_PAGES):
        page = await review.list_open_by_reason(body.reason, _BULK_PAGE_SIZE, cursor)
        for id_, item in page.items_by_id.items():
            try:
                result = await replay(context.app_context, settings, item, context.user.uid)
            except InvalidEventError:
                rejected_count += 1  # one rejected event does not stop the others
                continue
            outcomes[result.outcome.value] += 1
            if not query.dry_run:
                await review.resolve(
                    id_,
                    "REPLAYED",
                    context.user,
                    outcome=result.outcome.value,
                    reservationId=build_reservation_document_id(result.event.external_key),
                    eventId=result.event.event_id,
                )
        cursor = page.last_id
        if cursor is None or deadline.remaining() <= 0:
            break
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
    review = build_review(context)
    matching = await review.count_open_by_reason(body.reason)
    dismissed_count, deadline, cursor = 0, Deadline.after(BULK_BUDGET_SECONDS), body.cursor
    for _ in range(0 if query.dry_run else _MAX_BULK_PAGES):
        page = await review.list_open_by_reason(body.reason, _BULK_PAGE_SIZE, cursor)
        for id_ in page.items_by_id:
            await review.resolve(id_, "DISMISSED", context.user, dismissReason=body.dismiss_reason)
        dismissed_count += len(page.items_by_id)
        cursor = page.last_id
        if cursor is None or deadline.remaining() <= 0:
            break
    return BulkDismissResponse(
        dry_run=query.dry_run, matching=matching, dismissed=dismissed_count, next=cursor
    )
