"""The output of the process contains no personal data, token, signature or secret."""

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sandbox.webhook_senders import encode_signing_secret
from tests.support.processes import ServedFunction
from tests.support.webhooks import WebhookSender, sign_webhook

CreateSender = Callable[..., Awaitable[WebhookSender]]
PERSON: dict[str, Any] = {
    "dinerName": "Markéd Person",
    "dinerEmail": "marked@example.com",
    "dinerPhone": "15550009999",
    "specialRequests": "marked allergy",
    "cancellationReason": "marked divorce",
}
CREDENTIALS = {
    "bearerTokens": ["marked-token"],
    "basicCredentials": ["marked-user:marked-password"],
    "apiKey": "marked-key",
}
MARKS = ["mark", "15550009999", "whsec_", "v1,"]


async def every_kind_of_request(sender: WebhookSender) -> None:
    """Send webhooks with every kind of outcome."""
    for kind in ("created", "updated", "cancelled"):
        await sender.send(sender.envelope(kind, **PERSON))
    row = sender.row(1, guest_request="marked allergy", venue_notes="marked note", state="Marked")
    await sender.send(row)
    await sender.send(sender.row(1, venue_notes="marked contradiction"))
    await sender.send(sender.envelope("updated", 5, **PERSON))
    await sender.send(sender.envelope("updated", 6, **PERSON, partySize="marked"))
    await sender.send(sender.envelope("updated", 7, **PERSON, reservationId="marked/../id"))
    await sender.send(sender.envelope("marked", 8, **PERSON))
    await sender.send(sender.envelope("updated", 9, dinerName="Marked" * 40_000))
    await sender.send(b'{"marked": ')
    await sender.send(b'{"marked": "' + b"A" * 300_000)
    await sender.post(sender.envelope(**PERSON), {"authorization": "Bearer marked-guess"})
    await sender.post(sender.envelope(**PERSON), {"authorization": "Bearer marked-token"})
    await sender.post(sender.envelope(**PERSON), {"authorization": "Basic marked"})
    await sender.post(row, sign_webhook(encode_signing_secret(b"marked" * 5), b"x"))
    await sender.send(sender.envelope(restaurantId="marked-nobody", **PERSON))


@pytest.fixture
async def lines(create_sender: CreateSender, served_webhook: ServedFunction) -> list[str]:
    """The output of the process until the log line of a last event."""
    sender = await create_sender(CREDENTIALS)
    await every_kind_of_request(sender)
    last = uuid.uuid4().hex
    await sender.send(sender.envelope() | {"id": last})
    served_webhook.output.wait_for(last)
    return list(served_webhook.output.lines)


def lines_with_marks(lines: list[str]) -> list[str]:
    return [line for line in lines if any(mark in line.casefold() for mark in MARKS)]


async def test_no_log_line_contains_secrets_or_personal_data(lines: list[str]) -> None:
    assert lines_with_marks(lines) == []


async def test_every_line_is_one_json_object(lines: list[str]) -> None:
    assert [line for line in lines if not line.startswith('{"severity": ')] == []
    assert {type(json.loads(line)) for line in lines} == {dict}


async def test_nothing_crashed(lines: list[str]) -> None:
    assert [line for line in lines if '"event": "internal_error"' in line] == []


async def test_a_request_failed_by_firestore_is_logged_without_its_content(
    webhook_without_firestore: ServedFunction, sender: WebhookSender
) -> None:
    raw = json.dumps(sender.envelope(**PERSON)).encode()
    await sender.http.post(
        webhook_without_firestore.url, content=raw, headers=sign_webhook(sender.key, raw)
    )
    line = webhook_without_firestore.output.wait_for('"outcome": "unavailable"')
    assert json.loads(line)["event"] == "webhook"
    assert lines_with_marks(webhook_without_firestore.output.lines) == []
