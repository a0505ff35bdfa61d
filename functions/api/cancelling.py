"""The call that cancels one of Lineup's own reservations; OpenTable's are OpenTable's to cancel."""

from pydantic import Field

from functions.api.models import EmptyRequest, ReasonText, RequestModel, ResponseModel
from functions.api.replies import ApiError, ApiResponse
from functions.api.reservations import require_system_and_status
from functions.api.routing import RequestContext, Route
from functions.api.usable import require_cached_settings
from shared.domain.normalization.fields import ReservationStatus
from shared.domain.normalization.identifiers import ReservationSystem
from shared.errors import InvalidEventError
from shared.ledger.cancellation import cancel_native_reservation
from shared.staff.auth import Role

_MAX_IDEMPOTENCY_KEY_LENGTH = 200


class CancelRequest(RequestModel):
    """Why a reservation is cancelled."""

    reason: ReasonText | None = None


class CancelResponse(ResponseModel):
    """A reservation that is cancelled now."""

    id: str
    status: str
    outcome: str = Field(description="`updated`, or `unchanged` where it was cancelled before.")


async def cancel_reservation(context: RequestContext[EmptyRequest, CancelRequest]) -> ApiResponse:
    """Cancel one of Lineup's own reservations."""
    system, status = await require_system_and_status(context)
    if system == ReservationSystem.OPENTABLE:
        raise ApiError(
            409,
            "OPENTABLE_CANCELLATION",
            "OpenTable reservations must be cancelled through OpenTable.",
        )
    if system != ReservationSystem.LINEUP or status in {
        ReservationStatus.COMPLETED,
        ReservationStatus.NO_SHOW,
    }:
        text = "This reservation is over, or was not made in Lineup: it cannot be cancelled here."
        raise ApiError(409, "NOT_CANCELLABLE", text)
    outcome = (
        "unchanged" if status == ReservationStatus.CANCELLED else await _apply_cancellation(context)
    )
    return ApiResponse(
        CancelResponse(id=context.id, status=ReservationStatus.CANCELLED.value, outcome=outcome)
    )


async def _apply_cancellation(context: RequestContext[EmptyRequest, CancelRequest]) -> str:
    idempotency_key = context.headers.get("idempotency-key")
    if idempotency_key is not None and not 0 < len(idempotency_key) <= _MAX_IDEMPOTENCY_KEY_LENGTH:
        text = f"Idempotency-Key must have 1 to {_MAX_IDEMPOTENCY_KEY_LENGTH} characters."
        raise ApiError(400, "INVALID_REQUEST", text)
    settings = await require_cached_settings(context)
    try:
        apply_result = await cancel_native_reservation(
            context.app_context,
            settings,
            context.id,
            user=context.user,
            reason=context.body.reason,
            idempotency_key=idempotency_key,
        )
    except InvalidEventError:
        text = "This Idempotency-Key came with another reason before: use a new one."
        raise ApiError(409, "IDEMPOTENCY_KEY_REUSED", text) from None
    return "unchanged" if apply_result.outcome == "duplicate" else str(apply_result.outcome)


ROUTES = (
    Route(
        "POST",
        "reservations/{id}/cancel",
        Role.HOST,
        "Cancel one of Lineup's own reservations",
        cancel_reservation,
        CancelResponse,
        EmptyRequest,
        CancelRequest,
        "Idempotency-Key",
    ),
)
