"""Switched off, with everything kept; the rid is kept too unless it is let go."""

from typing import Any

from google.cloud.firestore import AsyncClient

from dev.operating.endings import ExitCode
from shared.edge import paths
from tests.dev.operating.shop import CliHarness


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
