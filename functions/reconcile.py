"""`opentable_reconcile`: every hour, compare OpenTable with the ledger, correct it, store a report.

A body with `force` executes the plan of a held report instead.
"""

from datetime import date
from functools import partial
from typing import Any

import functions_framework.aio
from msgspec import field, to_builtins
from starlette.requests import Request

from functions.http import (
    JsonResult,
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
from shared.domain.backfill import DateWindow
from shared.errors import IntegrationDisabledError, InvalidSettingsError, PlanNotExecutableError
from shared.reconciliation.run import ReconciliationRequest, reconcile_restaurant, summarize_failure
from shared.tasks.fan_out import (
    fan_out,
    log_missed_turns,
    plan_turns,
    run_for_each_restaurant,
    should_repeat_run,
)
from shared.tasks.queue import RECONCILE_FUNCTION, QueuedTask

_REPORT_STATUS_BY_RESULT = {"queued": "QUEUED", "error": "FAILED"}


class ScheduledReconcileRequest(ScheduledRequest, frozen=True, kw_only=True):
    """The body of a reconciliation's request. Dates are local to the restaurant and inclusive.

    Attributes:
        force: The id of a held report whose plan is executed.
    """

    start_date: date | None = field(default=None, name="startDate")
    end_date: date | None = field(default=None, name="endDate")
    is_dry_run: bool = field(default=False, name="dryRun")
    force: UrlSafeId | None = None

    def __post_init__(self) -> None:
        """Reject an invalid window, and `force` with anything but a restaurant."""
        if self.start_date and self.end_date:
            DateWindow(self.start_date, self.end_date)
        if self.force and (
            not self.restaurant_id or self.start_date or self.end_date or self.is_dry_run
        ):
            raise ValueError("force goes with restaurantId and nothing else")

    def body_for_restaurant(self, restaurant_id: str) -> dict[str, object]:
        """Return the body of the request for one of the restaurants."""
        forwarded_fields = {"startDate", "endDate", "dryRun"}
        body = to_builtins(self)
        return {"restaurantId": restaurant_id} | {
            name: value for name, value in body.items() if name in forwarded_fields
        }


@functions_framework.aio.http
@json_function(log_failed_run)
async def opentable_reconcile(request: Request, context: AppContext) -> JsonResult:
    """Reconcile every enabled restaurant, or the one in the body."""
    scheduled_request = await read_scheduled_request(request, context, ScheduledReconcileRequest)
    async with preload_opentable_client():
        return await _reconcile_restaurants(context, scheduled_request)


async def _reconcile_restaurants(
    context: AppContext, scheduled_request: ScheduledReconcileRequest
) -> JsonResult:
    """Return 200 with a report per restaurant, or 503 for the scheduler to try again.

    503 means that the run should be repeated (see `should_repeat_run`), or that a restaurant could
    not be enqueued. The tasks of a repeated tick have the same names, so nothing is enqueued twice.
    """
    if scheduled_request.force and scheduled_request.restaurant_id:
        return await _force_held_plan(
            context, scheduled_request.restaurant_id, scheduled_request.force
        )
    deadline = Deadline.after(context.environment.run_budget_seconds)
    requested_id = scheduled_request.restaurant_id
    turns, queue = await plan_turns(context, RECONCILE_FUNCTION, requested_id)
    restaurant_ids = [turn.restaurant_id for turn in turns]
    if queue is not None:
        tasks = [
            QueuedTask(
                RECONCILE_FUNCTION,
                scheduled_request.body_for_restaurant(restaurant_id),
                scheduled_request.tick,
            )
            for restaurant_id in restaurant_ids
        ]
        results = await fan_out(queue, tasks, deadline)
        log_missed_turns(RECONCILE_FUNCTION, turns, results, context.clock())
        failed = any(result["status"] == "error" for result in results)
        reports = [
            result | {"status": _REPORT_STATUS_BY_RESULT[result["status"]]} for result in results
        ]
        return JsonResult(503 if failed else 200, {"restaurants": len(reports), "reports": reports})
    reconciliation_request = ReconciliationRequest(
        scheduled_request.start_date, scheduled_request.end_date, scheduled_request.is_dry_run
    )
    run = partial(reconcile_restaurant, context, reconciliation_request, deadline=deadline)
    max_concurrent = context.environment.max_concurrent_restaurants
    reports = await run_for_each_restaurant(restaurant_ids, max_concurrent, run, deadline)
    log_missed_turns(RECONCILE_FUNCTION, turns, reports, context.clock())
    return _build_reports_result(reports, is_single=requested_id is not None)


async def _force_held_plan(context: AppContext, restaurant_id: str, report_id: str) -> JsonResult:
    # Imported on first use: few invocations execute a held plan.
    from shared.reconciliation.forced_plan import force_held_report  # noqa: PLC0415

    budget_seconds = context.environment.run_budget_seconds
    try:
        report = await force_held_report(context, restaurant_id, report_id, budget_seconds)
    except IntegrationDisabledError as error:
        report = {"restaurantId": restaurant_id, "status": "disabled", "error": str(error)}
    except InvalidSettingsError as error:
        report = summarize_failure(restaurant_id, error)
    except PlanNotExecutableError as error:
        status_code = 404 if error.code == "REPORT_NOT_FOUND" else 409
        return build_status_result(status_code, error.code.lower(), detail=str(error))
    return _build_reports_result([report], is_single=True)


def _build_reports_result(reports: list[dict[str, Any]], *, is_single: bool) -> JsonResult:
    failed = should_repeat_run(reports, is_single=is_single)
    return JsonResult(503 if failed else 200, {"restaurants": len(reports), "reports": reports})
