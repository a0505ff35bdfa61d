"""`opentable_reconcile`: every hour, compare OpenTable with the ledger, correct it, store a report.

The schedule compares the near days every hour and all days every night.

A body with `force` executes the plan of a held report instead.
"""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import functions_framework.aio
from msgspec import field, to_builtins
from starlette.requests import Request

from functions.http import (
    JsonResult,
    RequestRejectedError,
    ScheduledRequest,
    UrlSafeId,
    build_status_result,
    json_function,
    log_failed_run,
    preload_opentable_client,
    read_scheduled_request,
)
from shared.concurrency import Deadline
from shared.context import AppContext
from shared.domain.days import DateWindow, resolve_window
from shared.domain.validation import InvalidFieldsError
from shared.errors import IntegrationDisabledError, InvalidSettingsError, PlanNotExecutableError
from shared.reconciliation.run import ReconciliationOptions, reconcile_restaurant, summarize_failure
from shared.tasks.fan_out import RestaurantJob, run_restaurants, should_repeat_run
from shared.tasks.queue import RECONCILE_FUNCTION, QueuedTask

_REPORT_STATUS_BY_RESULT = {"queued": "QUEUED", "error": "FAILED"}


class ScheduledReconcileRequest(ScheduledRequest, frozen=True, kw_only=True):
    """The body of a reconciliation's request. Dates are local to the restaurant and inclusive.

    Attributes:
        force: The id of a held report to execute.
        is_scheduled: The schedule chooses the days, not this request.
    """

    start_date: date | None = field(default=None, name="startDate")
    end_date: date | None = field(default=None, name="endDate")
    is_dry_run: bool = field(default=False, name="dryRun")
    force: UrlSafeId | None = None
    is_scheduled: bool = field(default=False, name="scheduled")

    def __post_init__(self) -> None:
        """Reject an invalid window, and `force` with anything but a restaurant."""
        super().__post_init__()
        if self.start_date and self.end_date:
            try:
                DateWindow(self.start_date, self.end_date)
            except ValueError as error:
                raise InvalidFieldsError({"endDate": str(error)}) from None
        if self.force and (
            not self.restaurant_id or self.start_date or self.end_date or self.is_dry_run
        ):
            raise InvalidFieldsError({"force": "force goes with restaurantId and nothing else"})
        if self.is_scheduled and (self.start_date or self.end_date or self.force):
            raise InvalidFieldsError({"scheduled": "scheduled goes without dates and force"})

    def to_options(self) -> ReconciliationOptions:
        """Return the options of the run. A plain request for all restaurants is the schedule's."""
        is_plain = not (self.requested_ids or self.start_date or self.end_date or self.is_dry_run)
        return ReconciliationOptions(
            self.start_date, self.end_date, self.is_dry_run, self.is_scheduled or is_plain
        )

    def build_task_fields(self) -> dict[str, object]:
        """Return the fields that a task adds to its restaurants."""
        forwarded_names = {"startDate", "endDate", "dryRun"}
        forwarded_fields = {
            name: value for name, value in to_builtins(self).items() if name in forwarded_names
        }
        return forwarded_fields | ({"scheduled": True} if self.to_options().is_scheduled else {})


@functions_framework.aio.http
@json_function(log_failed_run)
async def opentable_reconcile(request: Request, context: AppContext) -> JsonResult:
    """Reconcile every enabled restaurant, or the ones in the body."""
    reconcile_request = await read_scheduled_request(request, context, ScheduledReconcileRequest)
    start, end = reconcile_request.start_date, reconcile_request.end_date
    try:
        # The runs compute the days again, in the zone of each restaurant.
        resolve_window(context.clock(), ZoneInfo("UTC"), start, end)
    except ValueError as error:
        name = "startDate" if start else "endDate"
        raise RequestRejectedError(
            400, "invalid_request", fields=[name], detail=str(error)
        ) from None
    async with preload_opentable_client():
        return await reconcile_restaurants(context, reconcile_request)


async def reconcile_restaurants(
    context: AppContext, reconcile_request: ScheduledReconcileRequest
) -> JsonResult:
    """Reconcile the restaurants of a request here, or enqueue tasks (`run_restaurants`).

    Returns 200 and a report per restaurant, or 503 to receive the same request again.
    """
    if reconcile_request.force and reconcile_request.restaurant_id:
        return await _force_held_plan(
            context, reconcile_request.restaurant_id, reconcile_request.force
        )
    deadline = Deadline.after(context.environment.run_budget_seconds)
    options = reconcile_request.to_options()

    async def reconcile(job: RestaurantJob) -> dict[str, Any]:
        return await reconcile_restaurant(
            context, options, job.restaurant_id, deadline, job.prefetched_settings
        )

    task_fields = reconcile_request.build_task_fields()
    template = QueuedTask(RECONCILE_FUNCTION, task_fields, reconcile_request.tick)
    requested_ids = reconcile_request.requested_ids
    run = await run_restaurants(context, template, requested_ids, reconcile, deadline)
    reports = run.results
    if run.is_queued:
        reports = [
            {**report, "status": _REPORT_STATUS_BY_RESULT[report["status"]]} for report in reports
        ]
    body = {"restaurants": len(reports), "reports": reports}
    return JsonResult(503 if run.is_failed else 200, body)


async def _force_held_plan(context: AppContext, restaurant_id: str, report_id: str) -> JsonResult:
    # Imported on first use: few invocations execute a held plan.
    from shared.reconciliation.plan_execution import execute_held_plan  # noqa: PLC0415

    budget_seconds = context.environment.run_budget_seconds
    try:
        report = await execute_held_plan(context, restaurant_id, report_id, budget_seconds)
    except IntegrationDisabledError as error:
        report = {"restaurantId": restaurant_id, "status": "disabled", "error": str(error)}
    except InvalidSettingsError as error:
        report = summarize_failure(restaurant_id, error)
    except PlanNotExecutableError as error:
        status_code = 404 if error.code == "REPORT_NOT_FOUND" else 409
        return build_status_result(status_code, error.code.lower(), detail=str(error))
    is_failed = should_repeat_run([report], is_requested=True)
    return JsonResult(503 if is_failed else 200, {"restaurants": 1, "reports": [report]})
