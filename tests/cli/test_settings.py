"""A restaurant is paused, resumed and changed."""

import pytest

from tests.cli.harness import CliHarness


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_restaurant_is_paused_and_resumed(cli_harness: CliHarness) -> None:
    paused = await cli_harness.run_command("restaurants pause", "--yes", "--json")
    assert paused.json_output["integration"]["enabled"] is False
    resumed = await cli_harness.run_command("restaurants resume", "--json")
    assert resumed.json_output["integration"]["enabled"] is True


@pytest.mark.usefixtures("webhook_ingest")
async def test_only_given_settings_are_changed(cli_harness: CliHarness) -> None:
    before = (await cli_harness.run_command("restaurants set", "--json")).json_output
    changed = await cli_harness.run_command("restaurants set", "--country", "GB", "--json")
    expected = before["integration"] | {"country": "GB"}
    changed_at = changed.json_output["integration"]["updatedAt"]
    assert changed.json_output["integration"] == expected | {"updatedAt": changed_at}


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_scheme_is_removed_after_a_confirmation(cli_harness: CliHarness) -> None:
    options = ("--webhook-auth", "none", "--yes", "--json")
    changed = await cli_harness.run_command("restaurants set", *options)
    assert changed.json_output["integration"]["webhookAuth"] == []
