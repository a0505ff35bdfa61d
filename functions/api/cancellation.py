"""Cancels Lineup's own reservations; OpenTable's are cancelled at OpenTable."""

from typing import Annotated

from fastapi import APIRouter, Body, Header
from pydantic import Field

from functions.api.authorization import HostContext
from functions.api.integration import require_cached_settings
from functions.api.requests import API_PREFIX, DocumentId, ReasonText, RequestModel, StaffRoute
from functions.api.reservations import require_reservation
from functions.api.responses import BODY_ERROR_RESPONSES, ApiError, ResponseModel, typed_or_none
from shared.domain.ledger.document import flatten_document
from shared.domain.normalization.field_values import ReservationStatus
from shared.domain.normalization.identifiers import ReservationSystem
from shared.errors import InvalidEventError
from shared.ledger.staff_actions import cancel_native_reservation

router = APIRouter(prefix=f"{API_PREFIX}/reservations", route_class=StaffRoute)


class CancelRequest(RequestModel):
    """Why a reservation is cancelled."""

    reason: ReasonText | None = None


class CancelResponse(ResponseModel):
    """A cancelled reservation."""

    id: str
    status: str
    outcome: str = Field(description="`updated`, or `unchanged` if it was cancelled before.")


@router.post(
    "/{reservation_id}/cancel",
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
        raise ApiError(
            409,
            "OPENTABLE_CANCELLATION",
            "OpenTable reservations must be cancelled through OpenTable.",
        )
    over = {ReservationStatus.COMPLETED, ReservationStatus.NO_SHOW}
    if system != ReservationSystem.LINEUP or status in over:
        text = "This reservation is over or was not made in Lineup, so it cannot be cancelled here."
        raise ApiError(409, "NOT_CANCELLABLE", text)
    outcome = "unchanged"
    if status != ReservationStatus.CANCELLED:
        settings = await require_cached_settings(context)
        try:
            result = await cancel_native_reservation(
                context.app_context,
                settings,
                reservation_id,
                user_uid=context.user.uid,
                reason=body.reason,
                idempotency_key=idempotency_key,
            )
        except InvalidEventError as error:
            if error.reason == "unreadable_document":
                raise ApiError(409, "NOT_CANCELLABLE", error.detail) from None
            text = "This Idempotency-Key was used with another reason. Use a new one."
            raise ApiError(409, "IDEMPOTENCY_KEY_REUSED", text) from None
        outcome = "unchanged" if result.outcome == "duplicate" else str(result.outcome)
    return CancelResponse(
        id=reservation_id, status=ReservationStatus.CANCELLED.value, outcome=outcome
    )
