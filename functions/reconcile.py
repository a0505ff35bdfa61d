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

from functions.http import Answer, answer
from functions.scheduled import Id, Order, scheduled
from shared.core.task import RECONCILE, Task
from shared.core.window import Window
from shared.edge.fan_out import fan_out, queue_for
from shared.edge.opentable.clock import Deadline
from shared.edge.reconciling import Wanted, reconcile_restaurant
from shared.edge.restaurants import enabled_restaurants, for_each
from shared.edge.services import Services
from shared.errors import ForceRefusedError

_AS_REPORT = {"queued": "QUEUED", "error": "FAILED"}


class ReconcileOrder(Order, frozen=True, kw_only=True):
    """What a reconciliation is asked for; the dates are local and inclusive."""

    start: date | None = field(default=None, name="startDate")
    end: date | None = field(default=None, name="endDate")
    dry: bool = field(default=False, name="dryRun")
    force: Id | None = None

    def of(self, restaurant_id: str) -> dict[str, object]:
        """Return the order of one restaurant's part, as a body."""
        asked = {"startDate", "endDate", "dryRun"}
        body = to_builtins(self)
        return {"restaurantId": restaurant_id} | {k: v for k, v in body.items() if k in asked}

    def __post_init__(self) -> None:
        """Refuse a window that is none, and to force anything but one plan as it is.

        Raises:
            ValueError: In words for the caller.
        """
        if self.start and self.end:
            Window(self.start, self.end)
        if self.force and (not self.restaurant_id or self.start or self.end or self.dry):
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
    return await scheduled(request, ReconcileOrder, _reconcile)


async def _reconcile(at_hand: Services, order: ReconcileOrder) -> Answer:
    if order.force and order.restaurant_id:
        return await _force(at_hand, order.restaurant_id, order.force)
    deadline = Deadline.after(at_hand.environment.run_seconds)
    named = [order.restaurant_id] if order.restaurant_id else None
    restaurants = named or await enabled_restaurants(at_hand.firestore)
    queue = None if named else queue_for(at_hand, len(restaurants))
    if queue is not None:
        tasks = [Task(RECONCILE, order.of(each), order.tick) for each in restaurants]
        return _enqueued(await fan_out(queue, tasks, deadline))
    wanted = Wanted(order.start, order.end, order.dry)
    run = partial(reconcile_restaurant, at_hand, wanted, deadline=deadline)
    at_once = at_hand.environment.restaurants_at_once
    return _answer(await for_each(restaurants, at_once, run, deadline))


async def _force(at_hand: Services, restaurant_id: str, report_id: str) -> Answer:
    # Imported on first use: a plan is rarely held, and more rarely forced.
    from shared.edge.forcing import force_held  # noqa: PLC0415

    try:
        seconds = at_hand.environment.run_seconds
        return _answer([await force_held(at_hand, restaurant_id, report_id, seconds)])
    except ForceRefusedError as refusal:
        code = 404 if refusal.code == "NO_SUCH_REPORT" else 409
        return answer(code, refusal.code.lower(), detail=str(refusal))


def _enqueued(results: list[dict[str, Any]]) -> Answer:
    """Answer 503 where one could not be enqueued: the tick is repeated, and nothing done twice."""
    failed = any(result["status"] == "error" for result in results)
    reports = [result | {"status": _AS_REPORT[result["status"]]} for result in results]
    return Answer(503 if failed else 200, {"restaurants": len(reports), "reports": reports})


def _answer(reports: list[dict[str, Any]]) -> Answer:
    failed = bool(reports) and all(report["status"] in {"FAILED", "error"} for report in reports)
    return Answer(503 if failed else 200, {"restaurants": len(reports), "reports": reports})
