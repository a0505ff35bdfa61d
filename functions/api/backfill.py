"""A restaurant's backfill: start one, and follow its progress."""

from typing import Annotated, Self

from fastapi import APIRouter, Body
from pydantic import Field, model_validator

from functions.api.auth import ManagerContext
from functions.api.integration import require_stored_settings
from functions.api.requests import API_PREFIX, LocalDate, RequestModel, StaffRoute
from functions.api.responses import (
    BODY_ERROR_RESPONSES,
    ApiError,
    ResponseModel,
    UtcInstant,
    build_invalid_request_error,
)
from shared.domain.backfill import ROW_COUNTERS, Backfill
from shared.domain.days import DateWindow
from shared.errors import BackfillInProgressError, EnqueueError, InvalidSettingsError
from shared.log import LogEvent, Severity, log_event
from shared.tasks.queue import POLL_FUNCTION, QueuedTask

router = APIRouter(prefix=f"{API_PREFIX}/integration/backfill", route_class=StaffRoute)


class BackfillRequest(RequestModel):
    """Which days: local dates, both inclusive."""

    start_date: LocalDate | None = Field(None, description="The default is 30 days ago.")
    end_date: LocalDate | None = Field(None, description="The default is 365 days ahead.")

    @model_validator(mode="after")
    def _check_date_range(self) -> Self:
        if self.start_date and self.end_date:
            DateWindow(self.start_date, self.end_date)
        return self


class BackfillResponse(ResponseModel):
    """The progress of a backfill."""

    status: str = Field(description="`NONE`, `RUNNING`, `COMPLETED` or `FAILED`.")
    start_date: str | None = None
    end_date: str | None = None
    days_done: int = 0
    days_total: int = 0
    fetched: int = Field(
        0, description="Rows received from OpenTable: the sum of the next five fields."
    )
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0
    started_at: UtcInstant | None = None
    updated_at: UtcInstant | None = None
    finished_at: UtcInstant | None = None
    seconds_left: int | None = Field(
        None,
        description="Working time left at the current pace; null if unknown or not running.",
    )
    error: str | None = Field(None, description="The last error, and what to do.")


@router.post("", summary="Start a backfill", responses=BODY_ERROR_RESPONSES)
async def request_backfill(
    context: ManagerContext,
    body: Annotated[BackfillRequest, Body(default_factory=BackfillRequest)],
) -> BackfillResponse:
    """Start a backfill, or resume a failed one, and return its progress."""
    from shared.polling.backfill import start_backfill  # noqa: PLC0415 -- loads the OpenTable client

    if not (await require_stored_settings(context)).is_enabled:
        text = "The integration is disabled. Enable it, then start the backfill."
        raise ApiError(409, "INTEGRATION_DISABLED", text)
    try:
        backfill = await start_backfill(
            context.app_context, context.restaurant_id, body.start_date, body.end_date
        )
    except BackfillInProgressError as conflict:
        raise ApiError(409, "BACKFILL_RUNNING", str(conflict)) from None
    except InvalidSettingsError as problem:
        raise ApiError(409, "SETTINGS_UNUSABLE", str(problem)) from None
    except ValueError as problem:
        raise build_invalid_request_error(str(problem)) from None
    queue, enqueue_error = context.app_context.queue, None
    # A task runs the backfill at once; without one, the next poll continues it.
    if queue is not None and backfill.is_running:
        task_body = {"restaurantId": context.restaurant_id, "backfill": True}
        task = QueuedTask(POLL_FUNCTION, task_body, backfill.updated_at.isoformat())
        try:
            await queue.enqueue(task)
        except EnqueueError as error:
            enqueue_error = str(error)
    log_event(
        Severity.INFO,
        LogEvent.BACKFILL_STARTED,
        restaurantId=context.restaurant_id,
        by=context.user.uid,
        error=enqueue_error,
    )
    return _build_backfill_response(backfill)


@router.get("", summary="Get the progress of the newest backfill")
async def get_backfill(context: ManagerContext) -> BackfillResponse:
    """Return the progress of the newest backfill."""
    from shared.polling.backfill import read_backfill  # noqa: PLC0415 -- loads the OpenTable client

    return _build_backfill_response(await read_backfill(context.app_context, context.restaurant_id))


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
