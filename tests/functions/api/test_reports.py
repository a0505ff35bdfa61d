"""Reconciliation reports, listed and whole."""

import pytest

from shared.core.report import DivergenceType, ReconciliationReport
from shared.core.window import DateWindow
from shared.edge import reports as stored
from shared.edge.staff import reports as read
from tests.functions.api.caller import StaffApiClient, error_code
from tests.world import World


async def test_without_a_report_the_list_is_empty(host: StaffApiClient) -> None:
    assert (await host.get("reports")).json() == {"reports": []}


async def test_without_a_report_there_is_no_latest(host: StaffApiClient) -> None:
    assert error_code(await host.get("reports/latest")) == (404, "NOT_FOUND")


async def test_an_unknown_report_is_not_found(host: StaffApiClient) -> None:
    assert error_code(await host.get("reports/none")) == (404, "NOT_FOUND")


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
    told = (await host.get("reports/latest")).json()
    assert (told["reportId"], told["created"], told["complete"]) == (newest, [], True)


async def store_in_parts(world: World, entries: int) -> None:
    now = world.clock()
    report = ReconciliationReport(
        "long", world.restaurant.id, DateWindow(now.date(), now.date()), now
    )
    for number in range(entries):
        report.add_divergence(
            DivergenceType.VERSION_BEHIND, f"key-{number}", "x" * 900, is_new=True
        )
    await stored.store_report(world.services.firestore, report)


async def test_a_report_in_several_documents_is_returned_as_one(
    host: StaffApiClient, world: World
) -> None:
    await store_in_parts(world, 1_000)
    told = (await host.get("reports/long")).json()
    keys = [entry["externalId"] for entry in told["divergences"]]
    assert keys == [f"key-{number}" for number in range(1_000)]
    assert told["complete"]


async def test_a_report_above_the_limit_is_marked_as_truncated(
    host: StaffApiClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "MAX_REPORT_PARTS", 2)
    await store_in_parts(world, 1_000)
    told = (await host.get("reports/long")).json()
    assert (len(told["divergences"]) < 1_000, told["complete"]) == (True, False)
    assert told["counts"]["divergences"] == 1_000
