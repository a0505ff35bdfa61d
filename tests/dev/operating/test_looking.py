"""Status, quarantine and reports as an operator sees them, and works through them."""

import asyncio
import io
import os

import pytest
from google.cloud.firestore import DELETE_FIELD, AsyncClient
from typing_extensions import override

from dev.operating.console import Console
from dev.operating.desk import open_operator_client
from dev.operating.endings import ExitCode
from dev.operating.reconcile import reconcile_and_print_report
from shared.edge import paths
from shared.edge.environment import read_environment
from shared.edge.reconciling import ReconciliationRequest
from shared.edge.services import build_app_context
from shared.edge.staff.staffroom import build_api_context
from tests.dev.operating.hearing import Heard
from tests.dev.operating.shop import Shop
from tests.statements import row


@pytest.fixture
async def heard(shop: Shop, firestore: AsyncClient) -> Heard:
    """The webhooks of the shop, which is onboarded."""
    await shop.onboard()
    return Heard(firestore, shop.id, shop.rid)


async def put_aside(heard: Heard) -> None:
    unreadable = {"rid": int(heard.rid), "id": f"{heard.rid}-ot_9", "party_size": 0}
    assert await heard.body(row(9, **unreadable)) == "quarantined"


async def lease_to_another(firestore: AsyncClient, shop: Shop) -> None:
    lease = {"owner": "other", "expiresAt": shop.opentable.tomorrow()}
    await paths.integration_document(firestore, shop.id).update({"reconciliation.lease": lease})


class Told(io.StringIO):
    """Where words are told; `waits` is set once one says that another run is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = asyncio.Event()

    @override
    def write(self, text: str, /) -> int:
        if "waits for it" in text:
            self.waits.set()
        return super().write(text)


async def test_the_status_of_what_is_well(shop: Shop, heard: Heard) -> None:
    await heard.row(1)
    done = await shop.operate("status", "--json")
    assert done.code == ExitCode.SUCCESS
    assert done.told.keys() == {"integration", "health", "backfill", "webhookKeys"}
    [use] = done.told["webhookKeys"]
    assert (use["scheme"], use["keyPosition"]) == ("bearer", 0)


async def test_the_status_names_what_wants_a_person(shop: Shop, heard: Heard) -> None:
    await put_aside(heard)
    done = await shop.operate("status")
    assert done.code == ExitCode.ACTION_REQUIRED
    assert "! 1 statements wait in the quarantine" in done.out


async def test_the_quarantine_is_listed(shop: Shop, heard: Heard) -> None:
    await put_aside(heard)
    listed = await shop.operate("replay")
    assert listed.code == ExitCode.ACTION_REQUIRED
    assert "party_size" in listed.out


async def test_an_item_is_shown_masked(shop: Shop, heard: Heard) -> None:
    body = row(9, rid=int(heard.rid), id=f"{heard.rid}-ot_9", party_size=0, guest_request="Ada")
    await heard.body(body)
    [item] = (await shop.operate("replay", "--json")).told["items"]
    assert "Ada" not in (await shop.operate("replay", item["id"][:8], "--show")).out
    assert "Ada" in (await shop.operate("replay", item["id"][:8], "--show", "--unmask")).out


async def test_an_item_that_still_cannot_be_applied_says_so(shop: Shop, heard: Heard) -> None:
    await put_aside(heard)
    [item] = (await shop.operate("replay", "--json")).told["items"]
    refused = await shop.operate("replay", item["id"][:8], "--dry-run")
    assert refused.code == ExitCode.FAILED
    assert refused.errors.startswith("It still cannot be applied")


async def test_an_item_is_rehearsed_then_replayed(
    shop: Shop, heard: Heard, firestore: AsyncClient
) -> None:
    settings = paths.integration_document(firestore, shop.id)
    await settings.update({"timeZone": "Nowhere/Town"})
    assert await heard.row(1) == "quarantined"
    await settings.update({"timeZone": "America/New_York"})
    [item] = (await shop.operate("replay", "--json")).told["items"]
    told = (await shop.operate("replay", item["id"], "--dry-run", "--json")).told
    assert (told["dryRun"], told["outcome"]) == (True, "created")
    assert not (await paths.reservation_document(firestore, shop.id, "ot_1").get()).exists
    assert "created" in (await shop.operate("replay", item["id"])).out
    assert (await paths.reservation_document(firestore, shop.id, "ot_1").get()).exists


async def test_an_item_is_dismissed_with_a_reason(
    shop: Shop, heard: Heard, firestore: AsyncClient
) -> None:
    await put_aside(heard)
    [item] = (await shop.operate("replay", "--json")).told["items"]
    await shop.operate("replay", item["id"], "--dismiss", "a test")
    held = (
        await paths.quarantine_collection(firestore, shop.id).document(item["id"]).get()
    ).to_dict() or {}
    assert (held["status"], held["dismissedBecause"]) == ("DISMISSED", "a test")
    assert held["settledBy"].startswith("operator:")
    assert (await shop.operate("replay")).code == ExitCode.SUCCESS


@pytest.mark.usefixtures("heard")
async def test_an_item_that_is_none_is_refused(shop: Shop) -> None:
    refused = await shop.operate("replay", "nothing", "--dry-run")
    assert refused.code == ExitCode.FAILED
    assert refused.errors.count("\n") == 1


@pytest.mark.usefixtures("heard")
async def test_a_dry_run_reports_and_changes_nothing(shop: Shop, firestore: AsyncClient) -> None:
    shop.opentable.soon(shop.rid, 6)
    before = [one.id async for one in paths.reservations_collection(firestore, shop.id).stream()]
    told = await shop.operate("reconcile", "--dry-run")
    assert "created 1, updated 0" in told.out
    assert "Missing in the ledger" in told.out
    assert [
        one.id async for one in paths.reservations_collection(firestore, shop.id).stream()
    ] == before
    assert (await shop.operate("reconcile", "--json")).told["counts"]["created"] == 1


@pytest.mark.usefixtures("heard")
async def test_a_window_that_is_too_large_is_one_sentence(shop: Shop) -> None:
    refused = await shop.operate("reconcile", "--start", "2020-01-01")
    assert (refused.code, refused.errors.count("\n")) == (ExitCode.FAILED, 1)


@pytest.mark.usefixtures("heard")
async def test_a_plan_that_is_none_cannot_be_forced(shop: Shop) -> None:
    refused = await shop.operate("reconcile", "--force", "nothing", "--yes")
    assert (refused.code, refused.errors.count("\n")) == (ExitCode.FAILED, 1)


@pytest.mark.usefixtures("heard")
async def test_a_run_under_way_is_not_doubled(
    shop: Shop, firestore: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUN_BUDGET_SECONDS", "0.1")
    await lease_to_another(firestore, shop)
    refused = await shop.operate("reconcile")
    assert (refused.code, "still under way" in refused.errors) == (ExitCode.RETRY_LATER, True)


@pytest.mark.usefixtures("heard")
async def test_a_run_under_way_is_waited_for(shop: Shop, firestore: AsyncClient) -> None:
    await lease_to_another(firestore, shop)
    told = Told()
    console = Console(told, told, as_json=False, is_terminal=False, assume_yes=False)
    desk = open_operator_client(
        build_api_context(build_app_context(read_environment(os.environ))), shop.id, "me"
    )
    run = asyncio.create_task(reconcile_and_print_report(desk, console, ReconciliationRequest()))
    await told.waits.wait()
    held = paths.integration_document(firestore, shop.id)
    await held.update({"reconciliation.lease": DELETE_FIELD})
    assert (await run).exit_code == ExitCode.SUCCESS
