"""``opentable_reconcile``: hourly, both sides compared, the ledger corrected, a report stored."""

from datetime import date
from functools import partial
from typing import Self

import functions_framework.aio
from pydantic import Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from functions.http import Answer
from functions.scheduled import Order, scheduled
from shared.core.window import Window
from shared.edge.reconciling import Wanted, reconcile_restaurant
from shared.edge.restaurants import enabled_restaurants, for_each
from shared.edge.services import Services


class ReconcileOrder(Order):
    """What a reconciliation is asked for; the dates are local and inclusive."""

    start: date | None = Field(None, alias="startDate")
    end: date | None = Field(None, alias="endDate")
    dry: bool = Field(default=False, alias="dryRun")

    @model_validator(mode="after")
    def _is_a_window(self) -> Self:
        if self.start and self.end:
            Window(self.start, self.end)
        return self


@functions_framework.aio.http
async def opentable_reconcile(request: Request) -> Response:
    """Reconcile every enabled restaurant, or the one that the body names.

    Args:
        request: A POST from the scheduler; body optional:
            ``{"restaurantId", "startDate", "endDate", "dryRun"}``.

    Returns:
        200 with a report a restaurant; 503 only where every one of them failed.
    """
    return await scheduled(request, ReconcileOrder, _reconcile)


async def _reconcile(at_hand: Services, order: ReconcileOrder) -> Answer:
    named = [order.restaurant_id] if order.restaurant_id else None
    restaurants = named or await enabled_restaurants(at_hand.firestore)
    run = partial(reconcile_restaurant, at_hand, Wanted(order.start, order.end, order.dry))
    reports = await for_each(restaurants, at_hand.environment.restaurants_at_once, run)
    failed = bool(reports) and all(report["status"] in {"FAILED", "error"} for report in reports)
    return Answer(503 if failed else 200, {"restaurants": len(reports), "reports": reports})
