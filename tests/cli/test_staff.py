"""Staff and operators are managed without an account of the page."""

import pytest
from google.cloud.firestore import AsyncClient

from cli.output import ExitCode
from dev.local.auth_emulator import LocalAccounts
from shared.firestore import paths
from shared.staff.accounts import OPERATOR_CLAIM
from tests.cli.harness import CliHarness, run_ledger

pytestmark = pytest.mark.usefixtures("webhook_ingest", "ana_account")


@pytest.fixture
def ana_account(local_accounts: LocalAccounts) -> None:
    local_accounts.add("uid-ana", "ana@example.com")


async def test_a_person_is_added_listed_and_removed(
    cli_harness: CliHarness, firestore: AsyncClient
) -> None:
    added = await cli_harness.run_command("staff add", "ana@example.com", "--role", "manager")
    assert added.code == ExitCode.SUCCESS, added.errors
    member = paths.staff_member_document(firestore, cli_harness.id, "uid-ana")
    assert ((await member.get()).to_dict() or {})["role"] == "manager"
    assert "ana@example.com" in (await cli_harness.run_command("staff list")).out
    await cli_harness.run_command("staff add", "ben@example.com", "--role", "manager")
    removed = await cli_harness.run_command("staff remove", "Ana@example.com", "--yes")
    assert removed.code == ExitCode.SUCCESS, removed.errors
    assert not (await member.get()).exists


async def test_a_new_account_gets_a_link_for_its_password(cli_harness: CliHarness) -> None:
    added = await cli_harness.run_command("staff add", "ben@example.com")
    assert "New account." in added.out
    assert "http" in added.out.splitlines()[-1]


async def test_an_unknown_person_is_not_removed(cli_harness: CliHarness) -> None:
    refused = await cli_harness.run_command("staff remove", "eve@example.com", "--yes")
    assert (refused.code, "not on the staff" in refused.errors) == (ExitCode.FAILED, True)


async def test_the_operators_command_makes_and_ends_an_operator(
    local_accounts: LocalAccounts,
) -> None:
    add = ("operators", "add", "ana@example.com")
    assert (await run_ledger(*add)).code == ExitCode.FAILED  # unconfirmed
    assert OPERATOR_CLAIM not in local_accounts.users["uid-ana"].get("customAttributes", "")
    assert (await run_ledger(*add, "--yes")).code == ExitCode.SUCCESS
    assert OPERATOR_CLAIM in local_accounts.users["uid-ana"]["customAttributes"]
    removed = await run_ledger("operators", "remove", "ana@example.com")
    assert removed.code == ExitCode.SUCCESS
    assert OPERATOR_CLAIM not in local_accounts.users["uid-ana"]["customAttributes"]


async def test_an_unknown_address_becomes_no_operator() -> None:
    refused = await run_ledger("operators", "add", "eve@example.com", "--yes")
    assert (refused.code, "No account" in refused.errors) == (ExitCode.FAILED, True)


@pytest.mark.usefixtures("webhook_function")
async def test_the_doctor_checks_every_part() -> None:
    done = await run_ledger("doctor", "--connections")
    assert done.code == ExitCode.SUCCESS, done.out
    for name in ("Firestore", "Secrets", "Accounts", "Webhook URL", "restaurant-"):
        assert f"\n{name}" in done.out


async def test_the_doctor_reports_what_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBHOOK_URL", raising=False)
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:1")
    done = await run_ledger("doctor")
    assert done.code == ExitCode.ACTION_REQUIRED
    assert "! Accounts: " in done.out
    assert "! Webhook URL: Set WEBHOOK_URL" in done.out


async def test_the_doctor_notices_another_server_at_the_webhook_address(
    cli_harness: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_URL", cli_harness.opentable.url)
    done = await run_ledger("doctor")
    assert "it is not the address of opentable-webhook" in done.out
