"""A new webhook credential is added, its use is reported, and the old one is retired."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.output import ExitCode
from cli.rotation import CredentialUsage, format_usage, select_newest_usage
from shared.ingest.deliveries import WebhookCredentialUse
from tests.cli.harness import VALID_CREDENTIALS, CliHarness, WebhookIngest, failing_call

ENTERED_AT = datetime(2026, 3, 9, 12, tzinfo=UTC)


def read_tokens(cli_harness: CliHarness) -> list[str]:
    return list((cli_harness.read_restaurant_secret() or {})["bearerTokens"])


def read_json_file(file: str) -> object:
    return json.loads(Path(file).read_text())


async def rotate(cli_harness: CliHarness) -> None:
    done = await cli_harness.run_command("webhooks rotate", "--save-to", cli_harness.new_file())
    assert done.code == ExitCode.SUCCESS


@pytest.mark.usefixtures("webhook_ingest")
async def test_the_new_credential_is_first(cli_harness: CliHarness) -> None:
    [old] = read_tokens(cli_harness)
    file = cli_harness.new_file()
    done = await cli_harness.run_command("webhooks rotate", "--save-to", file)
    new, second = read_tokens(cli_harness)
    assert second == old
    assert read_json_file(file) == {"bearerTokens": [new]}
    assert new not in done.out + done.errors


async def test_the_use_of_the_new_credential_is_reported(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await rotate(cli_harness)
    assert (await cli_harness.run_command("webhooks check")).code == ExitCode.ACTION_REQUIRED
    await webhook_ingest.ingest_row(1, position=1)
    checked = await cli_harness.run_command("webhooks check")
    assert checked.code == ExitCode.ACTION_REQUIRED
    assert "with an older credential" in checked.out
    await webhook_ingest.ingest_row(3, position=0, minutes=1)
    checked = await cli_harness.run_command("webhooks check")
    assert checked.code == ExitCode.SUCCESS
    assert "with the newest credential" in checked.out


async def test_the_old_credential_is_retired_after_the_new_one_is_used(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await rotate(cli_harness)
    await webhook_ingest.ingest_row(1, position=0, minutes=1)
    new, _ = read_tokens(cli_harness)
    assert (await cli_harness.run_command("webhooks retire")).code == ExitCode.SUCCESS
    assert read_tokens(cli_harness) == [new]


async def test_retiring_a_used_credential_is_confirmed_first(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await rotate(cli_harness)
    await webhook_ingest.ingest_row(1, position=1, minutes=1)
    before = read_tokens(cli_harness)
    refused = await cli_harness.run_command("webhooks retire")
    assert (refused.code, "--yes" in refused.errors) == (ExitCode.FAILED, True)
    assert read_tokens(cli_harness) == before
    assert (await cli_harness.run_command("webhooks retire", "--yes")).code == ExitCode.SUCCESS
    assert read_tokens(cli_harness) == before[:1]


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_leaked_credential_is_revoked_at_once(cli_harness: CliHarness) -> None:
    [old] = read_tokens(cli_harness)
    file = cli_harness.new_file()
    await cli_harness.run_command("webhooks rotate", "--at-once", "--yes", "--save-to", file)
    [new] = read_tokens(cli_harness)
    assert new != old


async def test_the_partner_credential_is_not_replaced_by_one_of_the_restaurant(
    cli_harness: CliHarness,
) -> None:
    cli_harness.set_partner_secret(VALID_CREDENTIALS | {"bearerTokens": ["shared-token"]})
    await cli_harness.onboard()
    refused = await cli_harness.run_command("webhooks rotate", "--save-to", cli_harness.new_file())
    assert (refused.code, cli_harness.read_restaurant_secret()) == (ExitCode.FAILED, None)
    assert "partner" in refused.errors


@pytest.mark.parametrize(
    "seconds, position, is_newest, text",
    [
        (-1, 0, None, "a credential from before the last change"),  # the first of an older list
        (-1, 1, None, "a credential from before the last change"),
        # Perhaps the first of a cached older list.
        (4, 0, None, "an unknown credential; webhooks after 2026-03-09T12:00:05Z will show it"),
        (4, 1, False, "an older credential"),
        (5, 0, True, "the newest credential"),
        (5, 1, False, "an older credential"),
    ],
)
def test_a_use_counts_for_the_newest_credential_after_the_change_is_taken_up(
    seconds: int, position: int, is_newest: bool | None, text: str
) -> None:
    used_at = ENTERED_AT + timedelta(seconds=seconds)
    usage = CredentialUsage("bearer", position, used_at, ENTERED_AT)
    assert usage.is_newest is is_newest
    [line] = format_usage([usage])
    assert line.endswith(text)


@pytest.mark.parametrize(
    "position, is_newest, text",
    [
        (0, None, "the first credential of the list, which may have changed since"),
        (1, False, "an older credential"),
    ],
)
def test_without_a_change_by_a_command_the_newest_credential_is_unknown(
    position: int, is_newest: bool | None, text: str
) -> None:
    usage = CredentialUsage("bearer", position, ENTERED_AT, None)
    assert usage.is_newest is is_newest
    [line] = format_usage([usage])
    assert line.endswith(text)


def test_the_newest_use_of_each_scheme_counts() -> None:
    uses = [
        WebhookCredentialUse("bearer", 0, ENTERED_AT),
        WebhookCredentialUse("basic", 1, ENTERED_AT),
        WebhookCredentialUse("bearer", 1, ENTERED_AT),
    ]
    usages = select_newest_usage(uses, ENTERED_AT)
    assert [(usage.scheme, usage.position) for usage in usages] == [("bearer", 0), ("basic", 1)]


@pytest.mark.usefixtures("webhook_ingest")
async def test_after_a_lost_response_the_same_rotation_continues(
    cli_harness: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    [old] = read_tokens(cli_harness)
    file = cli_harness.new_file()
    with failing_call(2, monkeypatch):  # the first call reads the settings, the second changes them
        failed = await cli_harness.run_command("webhooks rotate", "--save-to", file)
    assert (failed.code, len(read_tokens(cli_harness))) == (ExitCode.RETRY_LATER, 2)
    done = await cli_harness.run_command("webhooks rotate", "--save-to", file)
    assert done.code == ExitCode.SUCCESS, done.errors
    new, kept = read_tokens(cli_harness)
    assert (read_json_file(file), kept) == ({"bearerTokens": [new]}, old)
