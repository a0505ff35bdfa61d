"""``opentable_reconcile``: hourly, both sides compared, the ledger corrected, a report stored.

It also carries out the plan of a held report, where a body names one.
"""

from datetime import date
from functools import partial
from typing import Any

import functions_framework.aio
from msgspec import field, to_builtins
from starlette.requests import Request
from starlette.responses import Response

from functions.http import JsonResult, build_status_result
from functions.scheduled import ScheduledRequest, UrlSafeId, handle_scheduled_request
from shared.concurrency import Deadline
from shared.context import AppContext
from shared.domain.backfill import DateWindow
from shared.errors import PlanNotExecutableError
from shared.reconciliation.run import ReconciliationRequest, reconcile_restaurant
from shared.tasks.fan_out import (
    fan_out,
    list_enabled_restaurants,
    run_for_each_restaurant,
    select_queue,
)
from shared.tasks.queue import RECONCILE_FUNCTION, QueuedTask

_REPORT_STATUS_BY_RESULT = {"queued": "QUEUED", "error": "FAILED"}


class ScheduledReconcileRequest(ScheduledRequest, frozen=True, kw_only=True):
    """What a reconciliation is asked for; the dates are local and inclusive."""

    start_date: date | None = field(default=None, name="startDate")
    end_date: date | None = field(default=None, name="endDate")
    is_dry_run: bool = field(default=False, name="dryRun")
    force: UrlSafeId | None = None

    def body_for_restaurant(self, restaurant_id: str) -> dict[str, object]:
        """Return the order of one restaurant's part, as a body."""
        forwarded_fields = {"startDate", "endDate", "dryRun"}
        body = to_builtins(self)
        return {"restaurantId": restaurant_id} | {
            k: v for k, v in body.items() if k in forwarded_fields
        }

    def __post_init__(self) -> None:
        """Refuse a window that is none, and to force anything but one plan as it is.

        Raises:
            ValueError: In words for the caller.
        """
        if self.start_date and self.end_date:
            DateWindow(self.start_date, self.end_date)
        if self.force and (
            not self.restaurant_id or self.start_date or self.end_date or self.is_dry_run
        ):
            raise ValueError("force goes with restaurantId and nothing else")


@functions_framework.aio.http
async def opentable_reconcile(request: Request) -> Response:
    """Reconcile every enabled restaurant, or the one that the body names.

    Args:
        request: A POST from the scheduler; body optional:
            ``{"restaurantId", "startDate", "endDate", "dryRun"}``, or
            ``{"restaurantId", "force": reportId}``.

    Returns:
        200 with a report a restaurant; 503 where every one of them failed, or where one could
        not be enqueued; 404 or 409 for a plan that cannot be forced.
    """
    return await handle_scheduled_request(
        request, ScheduledReconcileRequest, _reconcile_restaurants
    )


async def _reconcile_restaurants(
    context: AppContext, scheduled_request: ScheduledReconcileRequest
) -> JsonResult:
    if scheduled_request.force and scheduled_request.restaurant_id:
        return await _force_held_plan(
            context, scheduled_request.restaurant_id, scheduled_request.force
        )
    deadline = Deadline.after(context.environment.run_budget_seconds)
    requested_ids = [scheduled_request.restaurant_id] if scheduled_request.restaurant_id else None
    restaurant_ids = requested_ids or await list_enabled_restaurants(context.firestore)
    queue = None if requested_ids else select_queue(context, len(restaurant_ids))
    if queue is not None:
        tasks = [
            QueuedTask(
                RECONCILE_FUNCTION,
                scheduled_request.body_for_restaurant(restaurant_id),
                scheduled_request.tick,
            )
            for restaurant_id in restaurant_ids
        ]
        return _build_enqueued_result(await fan_out(queue, tasks, deadline))
    reconciliation_request = ReconciliationRequest(
        scheduled_request.start_date, scheduled_request.end_date, scheduled_request.is_dry_run
    )
    run = partial(reconcile_restaurant, context, reconciliation_request, deadline=deadline)
    max_concurrent = context.environment.max_concurrent_restaurants
    return _build_reports_result(
        await run_for_each_restaurant(restaurant_ids, max_concurrent, run, deadline)
    )


async def _force_held_plan(context: AppContext, restaurant_id: str, report_id: str) -> JsonResult:
    # Imported on first use: a plan is rarely held, and more rarely forced.
    from shared.reconciliation.forced_plan import force_held_report  # noqa: PLC0415

    try:
        budget_seconds = context.environment.run_budget_seconds
        return _build_reports_result(
            [await force_held_report(context, restaurant_id, report_id, budget_seconds)]
        )
    except PlanNotExecutableError as error:
        status_code = 404 if error.code == "REPORT_NOT_FOUND" else 409
        return build_status_result(status_code, error.code.lower(), detail=str(error))


def _build_enqueued_result(results: list[dict[str, Any]]) -> JsonResult:
    """Answer 503 where one could not be enqueued: the tick is repeated, and nothing done twice."""
    failed = any(result["status"] == "error" for result in results)
    reports = [
        result | {"status": _REPORT_STATUS_BY_RESULT[result["status"]]} for result in results
    ]
    return JsonResult(503 if failed else 200, {"restaurants": len(reports), "reports": reports})


def _build_reports_result(reports: list[dict[str, Any]]) -> JsonResult:
    failed = bool(reports) and all(report["status"] in {"FAILED", "error"} for report in reports)
    return JsonResult(503 if failed else 200, {"restaurants": len(reports), "reports": reports})
