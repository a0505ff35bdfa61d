"""A change of the time zone is checked, and asks before it moves reservations to another day."""

import pytest

from cli.output import ExitCode
from shared.firestore import paths
from tests.cli.conftest import RESERVATION_COUNT_AT_OPENTABLE
from tests.cli.harness import CliHarness, WebhookIngest


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_wrong_zone_is_refused(cli_harness: CliHarness) -> None:
    refused = await cli_harness.run_command(
        "restaurants set", "--time-zone", "America/Los_Angeles", "--yes"
    )
    assert refused.code == ExitCode.FAILED
    assert "contradict the time zone America/Los_Angeles" in refused.errors
    shown = (await cli_harness.run_command("restaurants set", "--json")).json_output
    assert shown["integration"]["timeZone"] == "America/New_York"


@pytest.fixture
async def reservations_of_another_zone(webhook_ingest: WebhookIngest) -> None:
    """Reservations on the wrong days, in a restaurant with the wrong time zone."""
    firestore, restaurant_id = webhook_ingest.client, webhook_ingest.restaurant_id
    await paths.integration_document(firestore, restaurant_id).update(
        {"timeZone": "America/Los_Angeles"}
    )
    async for reservation in paths.reservations_collection(firestore, restaurant_id).stream():
        await reservation.reference.update({"localDate": "2020-01-01"})


@pytest.mark.usefixtures("reservations_of_another_zone")
async def test_a_change_that_moves_reservations_needs_a_confirmation(
    cli_harness: CliHarness,
) -> None:
    options = ("--time-zone", "America/New_York")
    refused = await cli_harness.run_command("restaurants set", *options)
    assert refused.code == ExitCode.FAILED
    assert refused.errors.strip() == (
        f"With America/New_York, {RESERVATION_COUNT_AT_OPENTABLE} reservations move to another "
        "day. Confirm it with --yes."
    )
    changed = await cli_harness.run_command("restaurants set", *options, "--yes", "--json")
    assert changed.json_output["integration"]["timeZone"] == "America/New_York"


@pytest.mark.usefixtures("reservations_of_another_zone")
async def test_a_second_onboarding_with_another_zone_asks_too(cli_harness: CliHarness) -> None:
    refused = await cli_harness.run_command("restaurants add", *cli_harness.settings_options)
    assert refused.code == ExitCode.FAILED
    assert "reservations move to another day" in refused.errors
