"""The status of one restaurant or of all, and the progress of a backfill as text."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from google.cloud.firestore import AsyncClient

from cli.backfill import format_progress
from cli.output import ExitCode
from shared.firestore import paths
from tests.cli.harness import CliHarness, WebhookIngest, run_ledger
from tests.support.events import row_body


async def refuse_webhooks(firestore: AsyncClient, restaurant_id: str, count: int) -> None:
    """Store that webhooks were refused, as the webhook function counts them."""
    now = datetime.now(UTC)
    refusal = {"scheme": "bearer", "reason": "no_match", "count": count}
    document = paths.webhook_refusals_document(firestore, restaurant_id)
    await document.set({"refusals": [refusal | {"since": now, "lastAt": now}]})


async def test_the_status_of_a_healthy_restaurant(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.ingest_row(1)
    done = await cli_harness.run_command("restaurants status", "--json")
    assert done.code == ExitCode.SUCCESS
    assert done.json_output["problems"] == []
    [usage] = done.json_output["webhookKeys"]
    assert (usage["scheme"], usage["credentialIndex"]) == ("bearer", 0)


async def test_the_status_lists_required_actions(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row()
    done = await cli_harness.run_command("restaurants status")
    assert done.code == ExitCode.ACTION_REQUIRED
    assert "! Events in quarantine: 1." in done.out


@pytest.mark.usefixtures("webhook_ingest")
async def test_the_status_counts_refused_webhooks(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await refuse_webhooks(firestore, cli_harness.id, 43)
    done = await cli_harness.run_command("restaurants status")
    assert done.code == ExitCode.ACTION_REQUIRED
    assert "! Webhooks refused: 43 since " in done.out
    assert "bearer, no_match." in done.out


async def test_the_status_counts_open_divergences(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    tomorrow = cli_harness.opentable.tomorrow()
    local = tomorrow.astimezone(ZoneInfo("America/New_York"))
    unknown_to_opentable = row_body(
        1,
        rid=int(cli_harness.rid),
        id=f"{cli_harness.rid}-ot_1",
        scheduled_time=f"{local:%Y-%m-%dT%H:%M:%S}",
        scheduled_time_utc=f"{tomorrow:%Y-%m-%dT%H:%M:%SZ}",
    )
    await webhook_ingest.ingest_body(unknown_to_opentable)
    await cli_harness.run_command("reconcile")
    for _ in range(2):  # a standing divergence stays a problem
        done = await cli_harness.run_command("restaurants status")
        assert done.code == ExitCode.ACTION_REQUIRED
        assert "! Reservations that differ from OpenTable: 1." in done.out
        await cli_harness.run_command("reconcile")


@pytest.mark.usefixtures("webhook_ingest")
async def test_times_are_in_the_zone_of_the_restaurant(cli_harness: CliHarness) -> None:
    shown = (await cli_harness.run_command("restaurants status")).out
    [report] = [line for line in shown.splitlines() if line.startswith("Last report")]
    assert report.endswith((" s ago", " min ago"))
    assert " EST, " in report or " EDT, " in report


@pytest.mark.usefixtures("variables")
async def test_all_restaurants_are_listed_worst_first(firestore: AsyncClient) -> None:
    for restaurant_id in ("a-healthy", "b-refused", "c-broken", "d-paused"):
        settings = {
            "enabled": restaurant_id != "d-paused",
            "restaurantId": str(abs(hash(restaurant_id)) % 10**9),
            "timeZone": "Nowhere/Town" if restaurant_id == "c-broken" else "Etc/UTC",
            "updatedAt": datetime.now(UTC),
        }
        await paths.integration_document(firestore, restaurant_id).set(settings)
    await refuse_webhooks(firestore, "b-refused", 3)
    shown = await run_ledger("restaurants", "status", "--all")
    listed = await run_ledger("restaurants", "status", "--all", "--json")
    rows = listed.json_output["restaurants"]
    mine = ("a-healthy", "b-refused", "c-broken", "d-paused")
    assert shown.code == ExitCode.ACTION_REQUIRED
    order = [row["id"] for row in rows if row["id"] in mine]
    assert order == ["c-broken", "b-refused", "d-paused", "a-healthy"]
    first_words = [line.split()[0] for line in shown.out.splitlines()]
    assert [word for word in first_words if word in mine] == order
    reasons = [row["health"]["reasons"] for row in rows if row["id"] in mine]
    assert reasons == [["settings_unusable"], ["webhooks_refused"], [], []]
    assert all(" ".join(reason) in shown.out for reason in reasons)


@pytest.mark.parametrize(
    "days_done, seconds_left, line",
    [
        (0, None, "0 of 396 days, 7 rows"),
        (198, 90, "198 of 396 days, 7 rows, about 2 min left"),
        (396, 9, "396 of 396 days, 7 rows, about 9 s left"),
    ],
)
def test_days_rows_and_the_time_left_are_printed(
    days_done: int, seconds_left: int | None, line: str
) -> None:
    progress = {"daysDone": days_done, "daysTotal": 396, "fetched": 7, "secondsLeft": seconds_left}
    assert format_progress(progress) == line
