"""Webhooks are sent with the restaurant's own credential, and the newest ones are listed."""

import json

import pytest

from cli.output import ExitCode
from sandbox.fault_injection import FailureKind
from tests.cli.harness import CliHarness, WebhookIngest


@pytest.mark.parametrize("scheme", ["bearer", "basic", "standard-webhooks"])
@pytest.mark.usefixtures("webhook_function")
async def test_an_example_is_sent_with_every_scheme(scheme: str, cli_harness: CliHarness) -> None:
    await cli_harness.onboard("--webhook-auth", scheme)
    created = await cli_harness.run_command("webhooks send", "--reservation", "test_1", "--json")
    assert created.code == ExitCode.SUCCESS, created.errors
    assert created.json_output["response"]["status"] == "created"
    options = ("--event", "cancelled", "--reservation", "test_1", "--json")
    cancelled = await cli_harness.run_command("webhooks send", *options)
    assert cancelled.json_output["response"]["status"] == "updated"


@pytest.mark.usefixtures("webhook_function")
async def test_a_refused_body_is_reported_with_its_reason(cli_harness: CliHarness) -> None:
    await cli_harness.onboard()
    envelope = {
        "eventType": "reservation.created",
        "id": "evt_1",
        "timestamp": "2026-03-09T12:30:44Z",
        "data": {"reservationId": "r1", "restaurantId": cli_harness.id, "partySize": -3},
    }
    sent = cli_harness.run_process(
        *("webhooks send", "--file", "-", "--json"), stdin=json.dumps(envelope)
    )
    assert sent.code == ExitCode.FAILED  # a separate process has no WEBHOOK_URL
    file = cli_harness.secrets_path.with_name("envelope.json")
    file.write_text(json.dumps(envelope))
    sent = await cli_harness.run_command("webhooks send", "--file", str(file), "--json")
    assert sent.code == ExitCode.ACTION_REQUIRED
    assert sent.json_output["httpStatus"] == 202
    assert sent.json_output["response"]["reason"] == "invalid_partySize"


@pytest.mark.usefixtures("webhook_ingest")
async def test_an_answer_of_another_server_is_one_sentence(
    cli_harness: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli_harness.opentable.sandbox.faults.script_failure(FailureKind.HTML, path="/elsewhere")
    monkeypatch.setenv("WEBHOOK_URL", f"{cli_harness.opentable.url}/elsewhere")
    refused = await cli_harness.run_command("webhooks send")
    assert (refused.code, refused.errors.count("\n")) == (ExitCode.FAILED, 1)
    assert "answers without JSON" in refused.errors


async def test_the_newest_webhooks_are_listed(
    cli_harness: CliHarness, webhook_ingest: WebhookIngest
) -> None:
    await webhook_ingest.ingest_row(1)
    await webhook_ingest.quarantine_row()
    listed = (await cli_harness.run_command("webhooks recent", "--json")).json_output["webhooks"]
    assert {each["outcome"] for each in listed} == {"created", "quarantined"}
    failed = (await cli_harness.run_command("webhooks recent", "--failed")).out
    assert "invalid_party_size" in failed
    assert "created" not in failed


@pytest.mark.usefixtures("webhook_ingest")
async def test_the_url_is_printed_with_the_accepted_authentication(
    cli_harness: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_URL", "https://example.com/hook")
    shown = (await cli_harness.run_command("webhooks url", "--json")).json_output
    assert shown == {"url": "https://example.com/hook", "webhookAuth": ["bearer"]}
    monkeypatch.delenv("WEBHOOK_URL")
    refused = await cli_harness.run_command("webhooks url")
    assert (refused.code, "WEBHOOK_URL" in refused.errors) == (ExitCode.FAILED, True)
