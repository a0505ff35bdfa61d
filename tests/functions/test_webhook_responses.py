"""Every 2xx in the table of the webhook's responses, over HTTP."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.quarantine.store import build_quarantine_id
from tests.support.webhooks import WebhookSender, response_status

CreateSender = Callable[..., Awaitable[WebhookSender]]
QUARANTINED = (202, "quarantined")


async def test_a_new_reservation_is_created(sender: WebhookSender) -> None:
    response = await sender.send(sender.envelope())
    assert response.status_code == 200
    assert response.json() == {
        "status": "created",
        "restaurantId": sender.restaurant.id,
        "reservationId": "opentable-ot_1",
        "eventId": "evt-created_0",
    }


async def test_a_created_reservation_is_stored_before_the_response(sender: WebhookSender) -> None:
    await sender.send(sender.envelope())
    assert (await sender.stored_ledger.document())["dinerName"] == "Ada Lovelace"


async def test_a_patch_updates(sender: WebhookSender) -> None:
    await sender.send(sender.envelope())
    response = await sender.send(sender.envelope("updated", 1, partySize=6))
    assert response_status(response) == (200, "updated")


async def test_a_newer_event_without_changes_is_unchanged(sender: WebhookSender) -> None:
    await sender.send(sender.envelope())
    response = await sender.send(sender.envelope("updated", 1, partySize=4))
    assert response_status(response) == (200, "unchanged")


async def test_an_older_webhook_event_is_stale(sender: WebhookSender) -> None:
    await sender.send(sender.row(2))
    assert response_status(await sender.send(sender.row(1, party_size=9))) == (200, "stale")


@pytest.mark.parametrize("kind", ["created", "updated", "cancelled"])
async def test_the_same_event_again_is_a_duplicate(kind: str, sender: WebhookSender) -> None:
    body = sender.envelope(kind, partySize=5)
    await sender.send(body)
    assert response_status(await sender.send(body)) == (200, "duplicate")


@pytest.mark.parametrize(
    "reason, change",
    [
        ("unknown_event_type", {"eventType": "reservation.exploded"}),
        ("invalid_timestamp", {"timestamp": "yesterday"}),
        ("timestamp_in_future", {"timestamp": "2199-01-01T00:00:00Z"}),
    ],
)
async def test_an_inapplicable_envelope_is_quarantined(
    reason: str, change: dict[str, Any], sender: WebhookSender
) -> None:
    body = sender.envelope() | change
    response = await sender.send(body)
    assert response.status_code == 202
    [item] = await sender.stored_ledger.quarantine_items()
    assert response.json() == {
        "status": "quarantined",
        "restaurantId": sender.restaurant.id,
        "reason": reason,
        "quarantineId": build_quarantine_id(reason, item["body"]),
    }
    assert (item["reason"], json.loads(item["body"]), item["status"]) == (reason, body, "OPEN")


async def test_an_envelope_with_an_invalid_field_is_quarantined(sender: WebhookSender) -> None:
    response = await sender.send(sender.envelope(reservationId="../escape"))
    assert (response_status(response), response.json()["reason"]) == (QUARANTINED, "invalid_id")


async def test_a_row_with_an_invalid_field_is_quarantined(sender: WebhookSender) -> None:
    response = await sender.send(sender.row(1) | {"sequence_id": None})
    reason = response.json()["reason"]
    assert (response_status(response), reason) == (QUARANTINED, "invalid_sequence_id")


async def test_a_repeated_event_id_with_other_content_is_quarantined(sender: WebhookSender) -> None:
    await sender.send(sender.envelope())
    response = await sender.send(sender.envelope(partySize=9))
    assert response_status(response) == QUARANTINED
    assert (await sender.stored_ledger.document())["partySize"] == 4


@pytest.mark.parametrize("zone", [None, "Mars/Olympus", "America", 5])
async def test_events_are_quarantined_while_the_settings_are_invalid(
    zone: object, create_sender: CreateSender
) -> None:
    sender = await create_sender(timeZone=zone)
    response = await sender.send(sender.envelope())
    reason = response.json()["reason"]
    assert (response_status(response), reason) == (QUARANTINED, "unusable_settings")


async def test_a_retry_of_a_quarantined_event_is_the_same_item(sender: WebhookSender) -> None:
    for _ in range(3):
        await sender.send(sender.envelope(partySize=0))
    assert [item["count"] for item in await sender.stored_ledger.quarantine_items()] == [3]


def build_test_event(sender: WebhookSender) -> dict[str, Any]:
    return {
        "eventType": "webhook.test",
        "id": "evt_test",
        "timestamp": "2026-03-09T12:30:44Z",
        "data": {"restaurantId": sender.restaurant.id},
    }


async def test_a_test_event_is_accepted_and_not_stored(sender: WebhookSender) -> None:
    response = await sender.send(build_test_event(sender))
    expected = {"status": "test", "restaurantId": sender.restaurant.id}
    assert (response.status_code, response.json()) == (200, expected)
    assert await sender.stored_ledger.quarantine_items() == []


async def test_a_test_event_with_a_wrong_credential_is_unauthenticated(
    sender: WebhookSender,
) -> None:
    headers = {"authorization": "Bearer wrong"}
    response = await sender.post(build_test_event(sender), headers)
    assert response_status(response) == (401, "unauthenticated")


async def test_a_test_event_of_a_disabled_restaurant_is_refused(
    create_sender: CreateSender,
) -> None:
    sender = await create_sender(enabled=False)
    assert response_status(await sender.send(build_test_event(sender))) == (403, "disabled")
