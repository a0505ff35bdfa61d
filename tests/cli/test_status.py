"""The status of a restaurant, and the progress of its backfill as text."""

import pytest

from cli.backfill import format_progress
from cli.output import ExitCode
from tests.cli.harness import CliHarness, WebhookIngest


async def test_the_status_of_a_healthy_restaurant(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.ingest_row(1)
    done = await cli_harness.run_command("restaurants status", "--json")
    assert done.code == ExitCode.SUCCESS
    assert done.json_output.keys() == {"integration", "health", "backfill", "webhookKeys"}
    [usage] = done.json_output["webhookKeys"]
    assert (usage["scheme"], usage["credentialIndex"]) == ("bearer", 0)


async def test_the_status_lists_required_actions(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.quarantine_row()
    done = await cli_harness.run_command("restaurants status")
    assert done.code == ExitCode.ACTION_REQUIRED
    assert "! Events in quarantine: 1." in done.out


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
    progress = {
        "daysDone": days_done,
        "daysTotal": 396,
        "fetched": 7,
        "secondsLeft": seconds_left,
    }
    assert format_progress(progress) == line
