"""A new webhook credential beside the old one; the old one goes once it is not used any more.

When it can be said that the newest key is in use.
"""

import json
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.firestore import AsyncClient

from cli.endings import ExitCode
from cli.usage import CredentialUsage, format_usage, select_newest_usage
from shared.polling.webhook_health import WebhookCredentialUse
from tests.cli.harness import CliHarness, WebhookIngest


@pytest.fixture
async def webhook_ingest(cli_harness: CliHarness, firestore: AsyncClient) -> WebhookIngest:
    """The webhooks of the shop, which is onboarded."""
    await cli_harness.onboard()
    return WebhookIngest(firestore, cli_harness.id, cli_harness.rid)


def tokens(shop: CliHarness) -> list[str]:
    return list((shop.own_secret() or {})["bearerTokens"])


async def rotate(shop: CliHarness) -> None:
    assert (await shop.run_command("rotate", "--save-to", shop.new_file())).code == ExitCode.SUCCESS


@pytest.mark.usefixtures("webhook_ingest")
async def test_the_new_credential_is_first(cli_harness: CliHarness) -> None:
    [old] = tokens(cli_harness)
    file = cli_harness.new_file()
    done = await cli_harness.run_command("rotate", "--save-to", file)
    new, kept = tokens(cli_harness)
    assert (kept, json.loads(cli_harness.text_of(file))) == (old, {"bearerTokens": [new]})
    assert new not in done.out + done.errors


async def test_the_use_of_the_new_credential_is_reported(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await rotate(cli_harness)
    assert (await cli_harness.run_command("rotate", "--check")).code == ExitCode.ACTION_REQUIRED
    await webhook_ingest.ingest_row(1, position=1)
    told = await cli_harness.run_command("rotate", "--check")
    assert (told.code, "with an older key" in told.out) == (ExitCode.ACTION_REQUIRED, True)
    await webhook_ingest.ingest_row(2, position=0, minutes=1)
    assert "it seems" in (await cli_harness.run_command("rotate", "--check")).out
    await webhook_ingest.ingest_row(3, position=0, minutes=6)
    told = await cli_harness.run_command("rotate", "--check")
    assert (told.code, "with the newest key" in told.out) == (ExitCode.SUCCESS, True)


async def test_the_old_credential_is_retired_after_the_new_one_is_used(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await rotate(cli_harness)
    await webhook_ingest.ingest_row(1, position=0, minutes=6)
    new, _ = tokens(cli_harness)
    assert (await cli_harness.run_command("rotate", "--retire")).code == ExitCode.SUCCESS
    assert tokens(cli_harness) == [new]


async def test_retiring_one_that_is_used_is_confirmed_first(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await rotate(cli_harness)
    await webhook_ingest.ingest_row(1, position=1, minutes=6)
    before = tokens(cli_harness)
    refused = await cli_harness.run_command("rotate", "--retire")
    assert (refused.code, "--yes" in refused.errors, tokens(cli_harness)) == (
        ExitCode.FAILED,
        True,
        before,
    )
    assert (await cli_harness.run_command("rotate", "--retire", "--yes")).code == ExitCode.SUCCESS
    assert tokens(cli_harness) == before[:1]


@pytest.mark.usefixtures("webhook_ingest")
async def test_a_leaked_one_is_revoked_at_once(cli_harness: CliHarness) -> None:
    [old] = tokens(cli_harness)
    await cli_harness.run_command(
        "rotate", "--at-once", "--yes", "--save-to", cli_harness.new_file()
    )
    [new] = tokens(cli_harness)
    assert new != old


@pytest.mark.usefixtures("webhook_ingest")
async def test_one_of_another_scheme_is_not_made_from_nothing(cli_harness: CliHarness) -> None:
    refused = await cli_harness.run_command(
        "rotate", "--scheme", "basic", "--save-to", cli_harness.new_file()
    )
    assert refused.code == ExitCode.FAILED
    assert "no credential for basic" in refused.errors


async def test_the_partners_is_not_replaced_by_one_of_the_restaurants(
    cli_harness: CliHarness,
) -> None:
    cli_harness.give_partner_token("shared-token")
    await cli_harness.onboard()
    refused = await cli_harness.run_command("rotate", "--save-to", cli_harness.new_file())
    assert (refused.code, cli_harness.own_secret()) == (ExitCode.FAILED, None)
    assert "partner" in refused.errors


ENTERED_AT = datetime(2026, 3, 9, 12, tzinfo=UTC)


def key_use(minutes: int, position: int, entered: datetime | None = ENTERED_AT) -> CredentialUsage:
    return CredentialUsage("bearer", position, ENTERED_AT + timedelta(minutes=minutes), entered)


@pytest.mark.parametrize(
    "minutes, position, newest",
    [
        (-1, 0, None),  # the first of an older list
        (-1, 1, None),
        (1, 0, None),  # perhaps judged by an older list
        (1, 1, False),
        (5, 0, True),
        (5, 1, False),
    ],
)
def test_a_use_counts_for_the_newest_key_after_older_secrets_expire(
    minutes: int,
    position: int,
    newest: bool | None,  # noqa: FBT001 -- a table of cases
) -> None:
    assert key_use(minutes, position).is_newest is newest


def test_with_no_rotation_the_first_key_is_the_newest() -> None:
    assert key_use(0, 0, None).is_newest is True


def test_the_newest_use_of_each_scheme_counts() -> None:
    proofs = [
        WebhookCredentialUse("bearer", 0, ENTERED_AT),
        WebhookCredentialUse("basic", 1, ENTERED_AT),
        WebhookCredentialUse("bearer", 1, ENTERED_AT),
    ]
    uses = select_newest_usage(proofs, ENTERED_AT)
    assert [(use.scheme, use.position) for use in uses] == [("bearer", 0), ("basic", 1)]


@pytest.mark.parametrize(
    "minutes, position, words",
    [
        (-1, 0, "a key of before the newest was entered"),
        (1, 0, "webhooks after 2026-03-09T12:05:00Z make it certain"),
        (1, 1, "an older key"),
        (5, 0, "the newest key"),
    ],
)
def test_the_use_is_printed_as_text(minutes: int, position: int, words: str) -> None:
    [line] = format_usage([key_use(minutes, position)])
    assert line.endswith(words)
