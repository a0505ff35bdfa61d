"""Change reservations: cancel those made in Lineup, keep or remove those unknown to OpenTable.

OpenTable's reservations are cancelled at OpenTable; a decision changes only the ledger.
"""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Body, Header
from pydantic import Field

from functions.api.auth import HostContext, ManagerContext, RequestContext
from functions.api.integration import require_cached_settings
from functions.api.reports import require_full_report
from functions.api.requests import API_PREFIX, DocumentId, ReasonText, RequestModel, StaffRoute
from functions.api.reservations import require_reservation
from functions.api.responses import BODY_ERROR_RESPONSES, ApiError, ResponseModel
from shared.concurrency import Deadline
from shared.context import RestaurantContext
from shared.domain.ledger.divergence import DivergenceType, ReviewDecision, ReviewRequest
from shared.domain.normalization.field_values import ReservationStatus
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.validation import flatten_document, typed_or_none
from shared.errors import InvalidEventError
from shared.ledger.staff_actions import (
    ReviewOutcome,
    cancel_native_reservation,
    review_reservations,
)
from shared.reconciliation.report_store import update_review_counts

# The rest of the call's time limit is for the commits of the last group.
REVIEW_BUDGET_SECONDS = 15.0
MAX_REVIEWED_RESERVATIONS = 2_000
_REVIEW_GROUP_SIZE = 200

router = APIRouter(prefix=API_PREFIX, route_class=StaffRoute)


class CancelRequest(RequestModel):
    """Why a reservation is cancelled."""

    reason: ReasonText | None = None


class CancelResponse(ResponseModel):
    """A cancelled reservation."""

    id: str
    status: str
    outcome: str = Field(description="`updated`, or `unchanged` if it was cancelled before.")


@router.post(
    "/reservations/{reservation_id}/cancel",
    summary="Cancel a reservation made in Lineup",
    responses=BODY_ERROR_RESPONSES,
)
async def cancel_reservation(
    context: HostContext,
    reservation_id: DocumentId,
    body: Annotated[CancelRequest, Body(default_factory=CancelRequest)],
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> CancelResponse:
    """Cancel a reservation made in Lineup. Retries with one Idempotency-Key cancel once."""
    document = await require_reservation(context, reservation_id)
    flat = flatten_document(document)
    system = typed_or_none(str, flat.get("source.system"))
    status = typed_or_none(str, flat.get("status"))
    if system == ReservationSystem.OPENTABLE:
        text = "OpenTable reservations must be cancelled through OpenTable."
        raise ApiError(409, "OPENTABLE_CANCELLATION", text)
    is_over = status in {ReservationStatus.COMPLETED, ReservationStatus.NO_SHOW}
    if system != ReservationSystem.LINEUP or is_over:
        text = "This reservation is over or was not made in Lineup, so it cannot be cancelled here."
        raise ApiError(409, "NOT_CANCELLABLE", text)
    outcome = "unchanged"
    if status != ReservationStatus.CANCELLED:
        outcome = await _cancel(context, reservation_id, body.reason, idempotency_key)
    return CancelResponse(
        id=reservation_id, status=ReservationStatus.CANCELLED.value, outcome=outcome
    )


async def _cancel(
    context: RequestContext, reservation_id: str, reason: str | None, idempotency_key: str | None
) -> str:
    """Cancel a native reservation; return the outcome, or raise a 409 error."""
    restaurant = RestaurantContext(context.app_context, await require_cached_settings(context))
    try:
        result = await cancel_native_reservation(
            restaurant,
            reservation_id,
            user_uid=context.user.uid,
            reason=reason,
            idempotency_key=idempotency_key,
        )
    except InvalidEventError as error:
        if error.reason == "unreadable_document":
            raise ApiError(409, "NOT_CANCELLABLE", error.detail) from None
        text = "This Idempotency-Key was used with another reason. Use a new one."
        raise ApiError(409, "IDEMPOTENCY_KEY_REUSED", text) from None
    # A retry with the same Idempotency-Key finds its own event.
    return "unchanged" if result.outcome == "duplicate" else str(result.outcome)


class DecisionRequest(RequestModel):
    """A decision and its reason."""

    decision: ReviewDecision = Field(
        description="`KEPT` leaves the reservation in the list, `REMOVED` takes it out."
    )
    reason: ReasonText


class DecisionResponse(ResponseModel):
    """A reservation with a decision."""

    id: str
    review_decision: str = Field(description="`KEPT` or `REMOVED`.")
    outcome: str = Field(description="`decided`, `changed`, or `unchanged` if it was so before.")


@router.post(
    "/reservations/{reservation_id}/review",
    summary="Keep or remove a reservation that OpenTable does not know",
    responses=BODY_ERROR_RESPONSES,
)
async def review_reservation(
    context: ManagerContext, reservation_id: DocumentId, body: DecisionRequest
) -> DecisionResponse:
    """Keep or remove one reservation. A later update by OpenTable ends the decision."""
    await require_reservation(context, reservation_id)
    outcome = (await _record_decisions(context, body, [reservation_id]))[reservation_id]
    if outcome is ReviewOutcome.NOT_REVIEWABLE:
        text = (
            "OpenTable knows this reservation, or it was made in Lineup. "
            "Only a reservation marked as not found at OpenTable can be kept or removed."
        )
        raise ApiError(409, "NOT_REVIEWABLE", text)
    if outcome is ReviewOutcome.FAILED:
        text = "The stored reservation is damaged. Ask your administrator to correct it."
        raise ApiError(409, "NOT_REVIEWABLE", text)
    return DecisionResponse(
        id=reservation_id, review_decision=body.decision.value, outcome=outcome.value
    )


class BulkDecisionRequest(DecisionRequest):
    """A decision on many reservations of a report."""

    reservation_ids: (
        Annotated[list[DocumentId], Field(max_length=MAX_REVIEWED_RESERVATIONS)] | None
    ) = Field(
        None, description="The default is every reservation of the report that OpenTable lacks."
    )


class BulkDecisionResponse(ResponseModel):
    """What was decided on the reservations of a report."""

    report_id: str
    review_decision: str
    decided: int
    changed: int
    unchanged: int
    not_reviewable: int = Field(description="OpenTable knows them by now, or they are damaged.")
    remaining: int = Field(description="Not decided for lack of time; send the request again.")


@router.post(
    "/reports/{report_id}/reviews",
    summary="Keep or remove a report's reservations that OpenTable does not know",
    responses=BODY_ERROR_RESPONSES,
)
async def review_report(
    context: ManagerContext, report_id: DocumentId, body: BulkDecisionRequest
) -> BulkDecisionResponse:
    """Keep or remove the reservations of a report that OpenTable does not know."""
    report = await require_full_report(context, report_id)
    missing_ids = {
        str(entry.get("reservationId")): True
        for entry in report.divergences
        if entry.get("type") == DivergenceType.MISSING_IN_OPENTABLE
    }
    # A chosen id that the report does not list is ignored.
    chosen_ids = missing_ids if body.reservation_ids is None else set(body.reservation_ids)
    ids = [id_ for id_ in missing_ids if id_ in chosen_ids]
    deadline, counts = Deadline.after(REVIEW_BUDGET_SECONDS), Counter[ReviewOutcome]()
    while counts.total() < len(ids) and deadline.remaining() > 0:
        group = ids[counts.total() : counts.total() + _REVIEW_GROUP_SIZE]
        counts.update((await _record_decisions(context, body, group, report_id)).values())
    return BulkDecisionResponse(
        report_id=report_id,
        review_decision=body.decision.value,
        decided=counts[ReviewOutcome.DECIDED],
        changed=counts[ReviewOutcome.CHANGED],
        unchanged=counts[ReviewOutcome.UNCHANGED],
        not_reviewable=counts[ReviewOutcome.NOT_REVIEWABLE] + counts[ReviewOutcome.FAILED],
        remaining=len(ids) - counts.total(),
    )


async def _record_decisions(
    context: RequestContext,
    body: DecisionRequest,
    reservation_ids: list[str],
    report_id: str | None = None,
) -> dict[str, ReviewOutcome]:
    request = ReviewRequest(body.decision, body.reason, context.user.uid)
    restaurant = RestaurantContext(context.app_context, await require_cached_settings(context))
    outcomes = await review_reservations(restaurant, reservation_ids, request)
    decided_ids = [id_ for id_, outcome in outcomes.items() if outcome is ReviewOutcome.DECIDED]
    if decided_ids:
        await update_review_counts(
            context.firestore,
            context.restaurant_id,
            decided_ids,
            context.app_context.clock(),
            report_id,
        )
    return outcomes
