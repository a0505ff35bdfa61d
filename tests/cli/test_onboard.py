"""Onboarding can be repeated and changes only what differs; offboarding keeps all data."""

import pytest
from google.cloud.firestore import AsyncClient

from cli.output import ExitCode
from shared.firestore import paths
from tests.cli.conftest import RESERVATION_COUNT_AT_OPENTABLE
from tests.cli.harness import VALID_CREDENTIALS, CliHarness
from tests.support.restaurants import read_rid_claim

OTHER_RESTAURANT = {"restaurantId": "elsewhere"}


async def list_reservation_ids(firestore: AsyncClient, cli_harness: CliHarness) -> list[str]:
    reservations = paths.reservations_collection(firestore, cli_harness.id)
    return [stored.id async for stored in reservations.stream()]


async def list_report_ids(firestore: AsyncClient, cli_harness: CliHarness) -> list[str]:
    reports = paths.reports_collection(firestore, cli_harness.id)
    return [stored.id async for stored in reports.stream()]


async def test_settings_rid_claim_and_reservations_are_written(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    output = (await cli_harness.onboard("--country", "US", "--json")).json_output
    integration, backfill, report = output["integration"], output["backfill"], output["report"]
    assert (integration["enabled"], integration["restaurantId"]) == (True, cli_harness.rid)
    assert (integration["country"], integration["webhookAuth"]) == ("US", ["bearer"])
    assert await read_rid_claim(firestore, cli_harness.rid) == {"restaurantId": cli_harness.id}
    assert backfill["status"] == report["status"] == "COMPLETED"
    assert backfill["created"] == RESERVATION_COUNT_AT_OPENTABLE
    assert report["unchangedCount"] == RESERVATION_COUNT_AT_OPENTABLE
    stored = await list_reservation_ids(firestore, cli_harness)
    assert len(stored) == RESERVATION_COUNT_AT_OPENTABLE


async def test_onboarding_twice_changes_nothing(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    before, secrets = await cli_harness.read_integration(firestore), cli_harness.read_secrets()
    second = await cli_harness.run_command("restaurants add", *cli_harness.settings_options)
    assert second.code == ExitCode.SUCCESS
    assert "unchanged" in second.out
    after = await cli_harness.read_integration(firestore)
    assert after.keys() == before.keys()
    assert (after["updatedAt"], after["backfill"]) == (before["updatedAt"], before["backfill"])
    assert cli_harness.read_secrets() == secrets


async def test_a_failed_connection_test_does_not_enable_the_integration(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    cli_harness.set_partner_secret(VALID_CREDENTIALS | {"clientSecret": "wrong"})
    failed = await cli_harness.onboard()
    assert failed.code == ExitCode.FAILED
    assert failed.errors.startswith("The connection to OpenTable failed.")
    assert failed.errors.count("\n") == 1
    assert (await cli_harness.read_integration(firestore)).get("enabled") is not True


async def test_an_interrupted_onboarding_resumes(cli_harness: CliHarness) -> None:
    cli_harness.set_partner_secret(VALID_CREDENTIALS | {"clientSecret": "wrong"})
    await cli_harness.onboard()
    secret = cli_harness.read_restaurant_secret()
    cli_harness.set_partner_secret(VALID_CREDENTIALS)
    second = await cli_harness.run_command("restaurants add", *cli_harness.settings_options)
    assert (second.code, cli_harness.read_restaurant_secret()) == (ExitCode.SUCCESS, secret)


async def test_without_a_file_for_the_credential_nothing_is_written(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    refused = await cli_harness.run_command("restaurants add", *cli_harness.settings_options)
    assert (refused.code, "--save-to" in refused.errors) == (ExitCode.FAILED, True)
    assert await cli_harness.read_integration(firestore) == {}


async def test_no_webhook_needs_no_credential(cli_harness: CliHarness) -> None:
    output = (await cli_harness.onboard("--webhook-auth", "none", "--json")).json_output
    assert output["integration"]["webhookAuth"] == []
    assert cli_harness.read_restaurant_secret() is None


async def test_every_scheme_gets_its_credential(cli_harness: CliHarness) -> None:
    schemes = ("standard-webhooks", "bearer", "basic")
    await cli_harness.onboard(*(word for scheme in schemes for word in ("--webhook-auth", scheme)))
    generated = cli_harness.read_restaurant_secret() or {}
    assert generated.keys() == {"webhookSecrets", "bearerTokens", "basicCredentials"}


async def test_a_rid_claimed_by_another_restaurant_is_rejected(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await paths.rid_claim_document(firestore, cli_harness.rid).set(OTHER_RESTAURANT)
    refused = await cli_harness.onboard("--webhook-auth", "none")
    assert refused.code == ExitCode.FAILED
    assert refused.errors.startswith("Another restaurant uses this OpenTable number")


async def test_another_rid_is_imported_after_a_confirmation(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    cli_harness.opentable.book_tomorrow("777001", 2)
    options = ("--rid", "777001", "--time-zone", "America/New_York", "--yes", "--json")
    output = (await cli_harness.run_command("restaurants add", *options)).json_output
    assert (output["integration"]["restaurantId"], output["backfill"]["created"]) == ("777001", 1)


async def test_offboarding_disables_the_integration_and_keeps_the_rid(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    output = (await cli_harness.run_command("restaurants remove", "--yes", "--json")).json_output
    assert output["integration"]["enabled"] is False
    assert await read_rid_claim(firestore, cli_harness.rid) == {"restaurantId": cli_harness.id}


async def test_a_released_rid_is_free_and_reservations_stay(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    before = await list_reservation_ids(firestore, cli_harness)
    options = ("--yes", "--release-rid", "--json")
    output = (await cli_harness.run_command("restaurants remove", *options)).json_output
    assert output["integration"]["restaurantId"] is None
    assert await read_rid_claim(firestore, cli_harness.rid) is None
    assert await list_reservation_ids(firestore, cli_harness) == before


@pytest.mark.parametrize("options", [(), ("--release-rid",)])
async def test_a_removed_restaurant_is_not_reconciled(
    options: tuple[str, ...], cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    await cli_harness.run_command("restaurants remove", "--yes", *options)
    before = await list_report_ids(firestore, cli_harness)
    refused = await cli_harness.run_command("reconcile")
    assert refused.code == ExitCode.FAILED
    assert f"`ledger restaurants resume {cli_harness.id}` enables it" in refused.errors
    assert await list_report_ids(firestore, cli_harness) == before


async def test_a_claim_of_another_restaurant_is_never_released(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    await cli_harness.onboard()
    await paths.rid_claim_document(firestore, cli_harness.rid).set(OTHER_RESTAURANT)
    await cli_harness.run_command("restaurants remove", "--yes", "--release-rid")
    assert await read_rid_claim(firestore, cli_harness.rid) == OTHER_RESTAURANT


async def test_onboarding_again_restores_the_integration(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    secret = cli_harness.read_restaurant_secret()
    await cli_harness.run_command("restaurants remove", "--yes", "--release-rid")
    second = await cli_harness.onboard("--json")
    assert (second.code, second.json_output["integration"]["enabled"]) == (ExitCode.SUCCESS, True)
    assert cli_harness.read_restaurant_secret() == secret


async def test_a_restaurant_that_was_never_onboarded_is_refused(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    refused = await cli_harness.run_command("restaurants remove", "--yes")
    assert refused.code == ExitCode.FAILED
    assert "`ledger restaurants add` connects one" in refused.errors
    assert await cli_harness.read_integration(firestore) == {}


async def test_an_unusable_secrets_file_gives_a_one_line_error(cli_harness: CliHarness) -> None:
    cli_harness.secrets_path.write_text("[]")
    refused = await cli_harness.run_command(
        "restaurants add", *cli_harness.settings_options, "--save-to", cli_harness.new_file()
    )
    assert (refused.code, refused.errors.count("\n")) == (ExitCode.FAILED, 1)
    assert refused.errors.startswith("SECRETS_FILE cannot be rewritten")
