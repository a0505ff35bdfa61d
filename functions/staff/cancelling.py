"""The call that cancels one of Lineup's own reservations; OpenTable's are OpenTable's to cancel."""

from pydantic import Field

from functions.staff.models import Asked, Nothing, Reason, Told
from functions.staff.replies import RefusalError, Reply
from functions.staff.reservations import system_and_status
from functions.staff.routing import Route, Visit
from functions.staff.usable import usable_settings
from shared.core.states import Status
from shared.core.system import System
from shared.edge.staff.cancelling import cancel_own
from shared.edge.staff.membership import Role
from shared.errors import RejectedStatementError

_LONGEST_REQUEST_KEY = 200


class CancelAsked(Asked):
    """Why a reservation is cancelled."""

    reason: Reason | None = None


class Cancelled(Told):
    """A reservation that is cancelled now."""

    id: str
    status: str
    outcome: str = Field(description="`updated`, or `unchanged` where it was cancelled before.")


async def cancel(visit: Visit[Nothing, CancelAsked]) -> Reply:
    """Cancel one of Lineup's own reservations."""
    system, status = await system_and_status(visit)
    if system == System.OPENTABLE:
        raise RefusalError(
            409,
            "OPENTABLE_CANCELLATION",
            "OpenTable reservations must be cancelled through OpenTable.",
        )
    if system != System.LINEUP or status in {Status.COMPLETED, Status.NO_SHOW}:
        text = "This reservation is over, or was not made in Lineup: it cannot be cancelled here."
        raise RefusalError(409, "NOT_CANCELLABLE", text)
    outcome = "unchanged" if status == Status.CANCELLED else await _cancelled(visit)
    return Reply(Cancelled(id=visit.id, status=Status.CANCELLED.value, outcome=outcome))


async def _cancelled(visit: Visit[Nothing, CancelAsked]) -> str:
    key = visit.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_REQUEST_KEY:
        text = f"Idempotency-Key must have 1 to {_LONGEST_REQUEST_KEY} characters."
        raise RefusalError(400, "INVALID_REQUEST", text)
    settings = await usable_settings(visit)
    try:
        applied = await cancel_own(
            visit.services,
            settings,
            visit.id,
            by=visit.person,
            reason=visit.body.reason,
            request_key=key,
        )
    except RejectedStatementError:
        text = "This Idempotency-Key came with another reason before: use a new one."
        raise RefusalError(409, "IDEMPOTENCY_KEY_REUSED", text) from None
    return "unchanged" if applied.outcome == "duplicate" else str(applied.outcome)


ROUTES = (
    Route(
        "POST",
        "reservations/{id}/cancel",
        Role.HOST,
        "Cancel one of Lineup's own reservations",
        cancel,
        Cancelled,
        Nothing,
        CancelAsked,
        "Idempotency-Key",
    ),
)
