"""A report damaged by hand is no server error, and hides no other report."""

import math
from typing import Any

import pytest

from tests.support.damage import ODD_VALUES
from tests.support.staff_api import StaffApiClient
from tests.support.world import World

REMOVE = {"decision": "REMOVED", "reason": "x"}


@pytest.mark.parametrize("field", ["status", "counts", "startDate", "missedWebhooks", "parts"])
async def test_a_damaged_report_does_not_hide_the_others(
    host: StaffApiClient, world: World, field: str
) -> None:
    other_id = (await world.reconcile())["reportId"]
    world.clock.advance(3_600)
    damaged_id = (await world.reconcile())["reportId"]
    await world.reports_collection.document(damaged_id).update({field: ["x"]})
    listed = (await host.get("reports")).json()["reports"]
    assert other_id in {report["reportId"] for report in listed}
    assert (await host.get("reports/latest")).status_code == 200
    assert (await host.get("health")).status_code == 200
    assert (await host.get(f"reports/{damaged_id}")).status_code in {200, 404}


@pytest.mark.parametrize("value", ["", "a/b", "__x__", *ODD_VALUES])
async def test_a_damaged_id_of_a_report_leads_to_no_other(
    manager: StaffApiClient, world: World, value: Any
) -> None:
    report_id = (await world.reconcile())["reportId"]
    await world.reports_collection.document(report_id).update({"reportId": value})
    assert (await manager.get("reports/latest")).json()["reportId"] == report_id
    [listed] = (await manager.get("reports")).json()["reports"]
    assert listed["reportId"] == report_id


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize(
    "field",
    [
        "plan",
        "status",
        "counts",
        "executedBy",
        "divergences",
        "created",
        "updated",
        "missing",
        "skipped",
    ],
)
async def test_the_calls_of_a_damaged_report_are_no_server_errors(
    manager: StaffApiClient, world: World, field: str, value: Any
) -> None:
    report_id = (await world.reconcile())["reportId"]
    await world.reports_collection.document(report_id).update({field: value})
    path = f"reports/{report_id}"
    for call in ("reports/latest", path, f"{path}/items?list=divergences"):
        assert (await manager.get(call)).status_code in {200, 404}, call
    assert (await manager.post(f"{path}/reviews", REMOVE)).status_code in {200, 404}
    assert (await manager.post(f"{path}/force")).status_code in {404, 409}


@pytest.mark.parametrize("counts", [{}, {"created": math.nan}, {"missing": ["x"]}, "x"])
async def test_a_held_report_with_damaged_counts_is_no_server_error(
    manager: StaffApiClient, world: World, counts: Any
) -> None:
    report_id = (await world.reconcile())["reportId"]
    await world.reports_collection.document(report_id).update({"status": "HELD", "counts": counts})
    assert (await manager.get(f"reports/{report_id}")).status_code == 404
    assert (await manager.post(f"reports/{report_id}/reviews", REMOVE)).status_code == 404
