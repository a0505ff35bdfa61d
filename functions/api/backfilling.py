"""The calls about a restaurant's backfill: its start, and how far it is."""

from typing import Any, Self

from pydantic import Field, model_validator

from functions.api.models import (
    EmptyRequest,
    LocalDate,
    RequestModel,
    ResponseModel,
    UtcInstant,
)
from functions.api.replies import ApiError, ApiResponse
from functions.api.routing import RequestContext, Route
from functions.api.usable import require_stored_settings
from shared.domain.backfill import ROW_COUNTERS, Backfill, DateWindow
from shared.errors import BackfillInProgressError, EnqueueError, InvalidSettingsError
from shared.log import LogEvent, Severity, log_event
from shared.polling.backfill import read_backfill, start_backfill
from shared.staff.auth import Role
from shared.tasks.queue import POLL_FUNCTION, QueuedTask


class BackfillRequest(RequestModel):
    """Which days, local and inclusive."""

    start_date: LocalDate | None = Field(None, description="By default 30 days back.")
    end_date: LocalDate | None = Field(None, description="By default 365 days ahead.")

    @model_validator(mode="after")
    def _check_date_range(self) -> Self:
        if self.start_date and self.end_date:
            DateWindow(self.start_date, self.end_date)
        return self


class BackfillResponse(ResponseModel):
    """How far a backfill is."""

    status: str = Field(description="`NONE`, `RUNNING`, `COMPLETED` or `FAILED`.")
    start_date: str | None = None
    end_date: str | None = None
    days_done: int = 0
    days_total: int = 0
    fetched: int = Field(0, description="Rows of OpenTable's; the next five add up to it.")
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0
    started_at: UtcInstant | None = None
    updated_at: UtcInstant | None = None
    finished_at: UtcInstant | None = None
    seconds_left: int | None = Field(
        None, description="Of work, at the pace so far; null while unknown, and at rest."
    )
    error: str | None = Field(None, description="What last stood in its way, and what to do.")


async def request_backfill(context: RequestContext[EmptyRequest, BackfillRequest]) -> ApiResponse:
    """Start a backfill, or take a failed one up again, and answer as `get_backfill`."""
    if not (await require_stored_settings(context)).is_enabled:
        text = "The integration is switched off; switch it on, then start the backfill."
        raise ApiError(409, "INTEGRATION_DISABLED", text)
    body = context.body
    try:
        backfill = await start_backfill(
            context.app_context, context.restaurant_id, body.start_date, body.end_date
        )
    except BackfillInProgressError as conflict:
        raise ApiError(409, "BACKFILL_RUNNING", str(conflict)) from None
    except InvalidSettingsError as problem:
        raise ApiError(409, "SETTINGS_UNUSABLE", str(problem)) from None
    except ValueError as problem:
        raise ApiError(400, "INVALID_REQUEST", str(problem)) from None
    log_event(
        Severity.INFO,
        LogEvent.BACKFILL_STARTED,
        restaurantId=context.restaurant_id,
        by=context.user.uid,
        error=await _enqueue_backfill(context, backfill),
    )
    return ApiResponse(_build_backfill_response(backfill))


async def _enqueue_backfill(context: RequestContext[Any, Any], backfill: Backfill) -> str | None:
    """Have it carried on at once where there is a queue; return why not, as the next poll does."""
    queue = context.app_context.queue
    if queue is None or not backfill.is_running:
        return None
    body = {"restaurantId": context.restaurant_id, "backfill": True}
    try:
        await queue.enqueue(QueuedTask(POLL_FUNCTION, body, backfill.updated_at.isoformat()))
    except EnqueueError as error:
        return str(error)
    return None


async def get_backfill(context: RequestContext[Any, Any]) -> ApiResponse:
    """Answer with how far the newest backfill is."""
    return ApiResponse(
        _build_backfill_response(await read_backfill(context.app_context, context.restaurant_id))
    )


def _build_backfill_response(backfill: Backfill | None) -> BackfillResponse:
    if backfill is None:
        return BackfillResponse(status="NONE")
    seconds_left = backfill.remaining_seconds
    return BackfillResponse(
        status=backfill.status.value,
        start_date=backfill.window.start.isoformat(),
        end_date=backfill.window.end.isoformat(),
        days_done=backfill.completed_days,
        days_total=backfill.total_days,
        started_at=backfill.started_at,
        updated_at=backfill.updated_at,
        finished_at=backfill.finished_at,
        seconds_left=None if seconds_left is None else round(seconds_left),
        error=backfill.error,
        **{name: backfill.counts[name] for name in ROW_COUNTERS},
    )


ROUTES = (
    Route(
        "POST",
        "integration/backfill",
        Role.MANAGER,
        "Start a backfill of some days",
        request_backfill,
        BackfillResponse,
        EmptyRequest,
        BackfillRequest,
    ),
    Route(
        "GET",
        "integration/backfill",
        Role.MANAGER,
        "How far the backfill is",
        get_backfill,
        BackfillResponse,
        EmptyRequest,
        EmptyRequest,
    ),
)
