"""Whatever step of `restaurants add` fails, nothing stays open and the same command continues."""

import json
from pathlib import Path

import pytest
from google.cloud.firestore import AsyncClient

from cli.output import ExitCode
from shared.firestore import paths
from tests.cli.harness import VALID_CREDENTIALS, CliHarness, failing_call


@pytest.mark.parametrize("number", range(1, 11))
async def test_after_a_lost_response_the_same_command_continues(
    number: int, cli_harness: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = cli_harness.new_file()
    options = (*cli_harness.settings_options, "--save-to", file)
    with failing_call(number, monkeypatch):
        failed = await cli_harness.run_command("restaurants add", *options)
    assert failed.code == ExitCode.RETRY_LATER
    done = await cli_harness.run_command("restaurants add", *options)
    assert done.code == ExitCode.SUCCESS, done.errors
    saved = json.loads(Path(file).read_text())
    assert cli_harness.read_restaurant_secret() == saved
    assert not Path(f"{file}.part").exists()


async def test_a_taken_number_leaves_neither_credential_nor_file(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    claim = paths.rid_claim_document(firestore, cli_harness.rid)
    await claim.set({"restaurantId": "elsewhere"})
    file = cli_harness.new_file()
    options = (*cli_harness.settings_options, "--save-to", file)
    refused = await cli_harness.run_command("restaurants add", *options, "--json")
    assert (refused.code, refused.json_output["error"]["code"]) == (ExitCode.FAILED, "RID_TAKEN")
    assert cli_harness.read_restaurant_secret() is None
    assert [path.name for path in Path(file).parent.iterdir()] == ["secrets.json"]
    await claim.delete()
    assert (await cli_harness.run_command("restaurants add", *options)).code == ExitCode.SUCCESS
    assert cli_harness.read_restaurant_secret() == json.loads(Path(file).read_text())


async def test_a_failed_connection_delivers_a_credential_that_opens_nothing(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    cli_harness.set_partner_secret(VALID_CREDENTIALS | {"clientSecret": "wrong"})
    file = cli_harness.new_file()
    options = (*cli_harness.settings_options, "--save-to", file)
    assert (await cli_harness.run_command("restaurants add", *options)).code == ExitCode.FAILED
    stored = await cli_harness.read_integration(firestore)
    assert stored.get("enabled") is not True  # a webhook with the credential is answered with 403
    cli_harness.set_partner_secret(VALID_CREDENTIALS)
    assert (await cli_harness.run_command("restaurants add", *options)).code == ExitCode.SUCCESS
    assert cli_harness.read_restaurant_secret() == json.loads(Path(file).read_text())


async def test_a_file_that_exists_is_refused_before_anything_is_written(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    file = cli_harness.new_file()
    Path(file).write_text("mine")
    options = (*cli_harness.settings_options, "--save-to", file)
    assert (await cli_harness.run_command("restaurants add", *options)).code == ExitCode.FAILED
    assert await cli_harness.read_integration(firestore) == {}
    assert Path(file).read_text() == "mine"
