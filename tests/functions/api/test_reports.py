"""List reports, get one, and execute a held report's plan."""

import json
from datetime import timedelta

import pytest

from shared.domain.days import DateWindow
from shared.domain.ledger.divergence import DivergenceType
from shared.domain.reconciliation.report import ReconciliationReport
from shared.reconciliation import report_store
from tests.support.held_plans import hold_plan_with_updates
from tests.support.staff_api import StaffApiClient, error_code
from tests.support.world import World


@pytest.fixture
async def held_id(world: World) -> str:
    """The id of a report whose plan updates 22 reservations."""
    _, report_id = await hold_plan_with_updates(world)
    return report_id


async def test_without_a_report_the_list_is_empty(host: StaffApiClient) -> None:
    assert (await host.get("reports")).json() == {"reports": []}


async def test_reports_are_listed_newest_first_up_to_the_limit(
    host: StaffApiClient, world: World
) -> None:
    ids = []
    for _ in range(3):
        ids.append((await world.reconcile())["reportId"])
        world.clock.advance(3600)
    listed = (await host.get("reports", params={"limit": "2"})).json()["reports"]
    assert [report["reportId"] for report in listed] == [ids[2], ids[1]]


async def test_a_listed_report_has_no_lists(host: StaffApiClient, world: World) -> None:
    await world.reconcile()
    [report] = (await host.get("reports")).json()["reports"]
    lists = ("created", "updated", "cancelled", "divergences", "missing", "skipped")
    assert report["counts"] == dict.fromkeys(lists, 0)
    assert "divergences" not in report


async def test_the_latest_is_the_newest_and_whole(host: StaffApiClient, world: World) -> None:
    await world.reconcile()
    world.clock.advance(3600)
    newest = (await world.reconcile())["reportId"]
    body = (await host.get("reports/latest")).json()
    assert (body["reportId"], body["created"], body["complete"]) == (newest, [], True)


async def test_a_plan_of_a_disabled_integration_is_not_executed(
    manager: StaffApiClient, world: World, held_id: str
) -> None:
    await world.change_settings(enabled=False)
    response = await manager.post(f"reports/{held_id}/force")
    assert error_code(response) == (409, "INTEGRATION_DISABLED")


async def store_in_parts(world: World) -> None:
    """Store a report with 1,000 long divergences."""
    now = world.clock()
    window = DateWindow(now.date(), now.date())
    report = ReconciliationReport("long", world.restaurant.id, window, now)
    kind = DivergenceType.VERSION_BEHIND
    for number in range(1_000):
        report.add_divergence(kind, f"key-{number}", "x" * 900, is_new=True)
    await report_store.store_report(world.context.firestore, report, timedelta(days=400))


async def test_a_report_in_several_documents_is_returned_as_one(
    host: StaffApiClient, world: World
) -> None:
    await store_in_parts(world)
    body = (await host.get("reports/long")).json()
    keys = [entry["externalId"] for entry in body["divergences"]]
    assert keys == [f"key-{number}" for number in range(1_000)]
    assert body["complete"]


async def test_a_report_above_the_limit_is_marked_as_truncated(
    host: StaffApiClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_store, "MAX_REPORT_PARTS", 2)
    await store_in_parts(world)
    body = (await host.get("reports/long")).json()
    assert (len(body["divergences"]) < 1_000, body["complete"]) == (True, False)
    assert body["counts"]["divergences"] == 1_000


async def test_executing_a_plan_returns_its_report(manager: StaffApiClient, held_id: str) -> None:
    body = (await manager.post(f"reports/{held_id}/force")).json()
    assert (body["status"], body["heldReportId"]) == ("COMPLETED", held_id)
    assert (len(body["updated"]), body["skipped"]) == (22, [])


async def test_an_executed_held_report_is_marked_as_executed(
    manager: StaffApiClient, held_id: str
) -> None:
    forced = (await manager.post(f"reports/{held_id}/force")).json()
    body = (await manager.get(f"reports/{held_id}")).json()
    assert body["executedBy"] == forced["reportId"]
    assert body["executedAt"] == "2026-03-14T15:00:00Z"


async def test_who_had_it_carried_out_is_logged(
    manager: StaffApiClient, held_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await manager.post(f"reports/{held_id}/force")
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    [line] = [line for line in lines if line["event"] == "reconciliation.forced"]
    assert (line["heldReportId"], line["by"]) == (held_id, "mara")


async def test_a_plan_is_forced_once(manager: StaffApiClient, held_id: str) -> None:
    await manager.post(f"reports/{held_id}/force")
    response = await manager.post(f"reports/{held_id}/force")
    assert error_code(response) == (409, "PLAN_ALREADY_EXECUTED")
