"""From nothing to a level ledger; run again, it goes on and changes nothing that is right.

Switched off, with everything kept; the rid is kept too unless it is let go.
"""

from typing import Any

import pytest
from google.cloud.firestore import AsyncClient

from cli.endings import ExitCode
from shared.firestore import paths
from tests.cli.conftest import RESERVATION_COUNT_AT_OPENTABLE
from tests.cli.harness import CliHarness


async def read_settings_document(firestore: AsyncClient, shop: CliHarness) -> dict[str, Any]:
    return (await paths.integration_document(firestore, shop.id).get()).to_dict() or {}


async def count_reservations(firestore: AsyncClient, shop: CliHarness) -> int:
    reservations = paths.reservations_collection(firestore, shop.id)
    return len([one async for one in reservations.stream()])


async def test_the_settings_are_written_and_the_rid_is_claimed(cli_harness: CliHarness) -> None:
    told = (await cli_harness.onboard("--country", "US", "--json")).json_output
    integration = told["integration"]
    assert (integration["enabled"], integration["restaurantId"]) == (True, cli_harness.rid)
    assert (integration["country"], integration["webhookAuth"]) == ("US", ["bearer"])


async def test_the_rid_is_claimed(cli_harness: CliHarness, firestore: AsyncClient) -> None:
    await cli_harness.onboard()
    claim = (await paths.rid_claim_document(firestore, cli_harness.rid).get()).to_dict()
    assert claim == {"restaurantId": cli_harness.id}


async def test_reservations_are_backfilled(cli_harness: CliHarness, firestore: AsyncClient) -> None:
    told = (await cli_harness.onboard("--json")).json_output
    assert (told["backfill"]["status"], told["backfill"]["created"]) == (
        "COMPLETED",
        RESERVATION_COUNT_AT_OPENTABLE,
    )
    assert (told["report"]["status"], told["report"]["unchangedCount"]) == (
        "COMPLETED",
        RESERVATION_COUNT_AT_OPENTABLE,
    )
    assert await count_reservations(firestore, cli_harness) == RESERVATION_COUNT_AT_OPENTABLE


async def test_onboarding_twice_changes_nothing(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    settings, secrets = await read_settings_document(firestore, cli_harness), cli_harness.secrets()
    again = await cli_harness.run_command(
        "onboard", "--rid", cli_harness.rid, "--time-zone", "America/New_York"
    )
    assert again.code == ExitCode.SUCCESS
    assert "as wanted already" in again.out
    held = await read_settings_document(firestore, cli_harness)
    assert held.keys() == settings.keys()
    assert held["updatedAt"] == settings["updatedAt"]
    assert held["backfill"] == settings["backfill"]
    assert cli_harness.secrets() == secrets


async def test_a_failed_connection_test_does_not_enable_the_integration(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    cli_harness.break_partner_secret()
    failed = await cli_harness.onboard()
    assert failed.code == ExitCode.FAILED
    assert failed.errors.startswith("OpenTable cannot be asked.")
    assert failed.errors.count("\n") == 1
    assert (await read_settings_document(firestore, cli_harness)).get("enabled") is not True


async def test_an_interrupted_onboarding_resumes(cli_harness: CliHarness) -> None:
    cli_harness.break_partner_secret()
    await cli_harness.onboard()
    kept = cli_harness.own_secret()
    cli_harness.restore_partner_secret()
    again = await cli_harness.run_command(
        "onboard", "--rid", cli_harness.rid, "--time-zone", "America/New_York"
    )
    assert (again.code, cli_harness.own_secret()) == (ExitCode.SUCCESS, kept)


async def test_without_a_file_for_the_credential_nothing_is_written(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    refused = await cli_harness.run_command(
        "onboard", "--rid", cli_harness.rid, "--time-zone", "America/New_York"
    )
    assert (refused.code, "--save-to" in refused.errors) == (ExitCode.FAILED, True)
    assert await read_settings_document(firestore, cli_harness) == {}


async def test_no_webhook_needs_no_credential(cli_harness: CliHarness) -> None:
    told = (await cli_harness.onboard("--webhook-auth", "none", "--json")).json_output
    assert told["integration"]["webhookAuth"] == []
    assert cli_harness.own_secret() is None


async def test_every_scheme_gets_its_credential(cli_harness: CliHarness) -> None:
    schemes = ("standard-webhooks", "bearer", "basic")
    await cli_harness.onboard(*(word for scheme in schemes for word in ("--webhook-auth", scheme)))
    made = cli_harness.own_secret() or {}
    assert made.keys() == {"webhookSecrets", "bearerTokens", "basicCredentials"}


async def test_a_rid_claimed_by_another_restaurant_is_rejected(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await paths.rid_claim_document(firestore, cli_harness.rid).set({"restaurantId": "elsewhere"})
    refused = await cli_harness.onboard("--webhook-auth", "none")
    assert refused.code == ExitCode.FAILED
    assert refused.errors.startswith("Another restaurant holds this OpenTable number")


async def test_another_rid_is_confirmed_first(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    before = await read_settings_document(firestore, cli_harness)
    cli_harness.opentable.book_tomorrow("777001", 2)
    words = ("--rid", "777001", "--time-zone", "America/New_York")
    refused = await cli_harness.run_command("onboard", *words)
    assert (refused.code, "--yes" in refused.errors) == (ExitCode.FAILED, True)
    assert await read_settings_document(firestore, cli_harness) == before
    told = (await cli_harness.run_command("onboard", *words, "--yes", "--json")).json_output
    assert (told["integration"]["restaurantId"], told["backfill"]["created"]) == ("777001", 1)


@pytest.mark.parametrize("rid", ["12a", "", "٣"])
async def test_a_rid_that_is_none_is_refused_by_the_command_line(
    rid: str, cli_harness: CliHarness
) -> None:
    with pytest.raises(SystemExit) as ended:
        await cli_harness.run_command("onboard", "--rid", rid, "--time-zone", "America/New_York")
    assert ended.value.code == ExitCode.USAGE_ERROR


async def read_rid_claim(firestore: AsyncClient, shop: CliHarness) -> dict[str, Any] | None:
    return (await paths.rid_claim_document(firestore, shop.rid).get()).to_dict()


async def test_offboarding_requires_confirmation(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    refused = await cli_harness.run_command("offboard", "--json")
    assert (refused.code, refused.out) == (ExitCode.FAILED, "")
    assert "--yes" in refused.errors
    assert (await cli_harness.run_command("status", "--json")).json_output["health"][
        "enabled"
    ] is True


async def test_the_integration_is_disabled_and_its_rid_stays_claimed(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    told = (await cli_harness.run_command("offboard", "--yes", "--json")).json_output
    assert told["integration"]["enabled"] is False
    assert await read_rid_claim(firestore, cli_harness) == {"restaurantId": cli_harness.id}


async def test_reservations_are_not_deleted(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    before = [
        one.id async for one in paths.reservations_collection(firestore, cli_harness.id).stream()
    ]
    await cli_harness.run_command("offboard", "--yes", "--release-rid")
    assert [
        one.id async for one in paths.reservations_collection(firestore, cli_harness.id).stream()
    ] == before


async def test_a_released_rid_is_free_for_another(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    told = (
        await cli_harness.run_command("offboard", "--yes", "--release-rid", "--json")
    ).json_output
    assert told["integration"]["restaurantId"] is None
    assert await read_rid_claim(firestore, cli_harness) is None


async def test_a_claim_of_another_is_never_released(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    await paths.rid_claim_document(firestore, cli_harness.rid).set({"restaurantId": "elsewhere"})
    await cli_harness.run_command("offboard", "--yes", "--release-rid")
    assert await read_rid_claim(firestore, cli_harness) == {"restaurantId": "elsewhere"}


async def test_onboarding_again_restores_the_integration(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    secret = cli_harness.own_secret()
    await cli_harness.run_command("offboard", "--yes", "--release-rid")
    again = await cli_harness.onboard("--json")
    assert (again.code, again.json_output["integration"]["enabled"]) == (ExitCode.SUCCESS, True)
    assert cli_harness.own_secret() == secret


async def test_a_restaurant_that_was_never_onboarded_is_refused(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    refused = await cli_harness.run_command("offboard", "--yes")
    assert refused.code == ExitCode.FAILED
    assert "`onboard` connects it" in refused.errors
    assert not (await paths.integration_document(firestore, cli_harness.id).get()).exists
