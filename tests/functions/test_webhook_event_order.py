"""The specification's three mock events, in any order, end in one document."""

import itertools
import json
from typing import Any

import pytest

from sandbox.webhook_senders import read_mock_events
from tests.support.webhooks import WebhookSender

ORDERS = list(itertools.permutations(range(3)))
TIMES_OF_WRITING = {"createdAt", "updatedAt"}


def events_of_restaurant(sender: WebhookSender) -> list[bytes]:
    """Return the events with the ids of this test's restaurant."""
    return [
        body.replace(b"restaurant-123", sender.restaurant.id.encode())
        for body in read_mock_events()
    ]


async def read_document_without_times(sender: WebhookSender) -> dict[str, Any]:
    document = await sender.stored_ledger.document("ot_1001")
    return {name: value for name, value in document.items() if name not in TIMES_OF_WRITING}


@pytest.fixture
async def in_order(sender: WebhookSender) -> dict[str, Any]:
    for body in events_of_restaurant(sender):
        await sender.send(body)
    return await read_document_without_times(sender)


async def test_the_mock_events_end_cancelled_and_complete(in_order: dict[str, Any]) -> None:
    assert {
        "status": "CANCELLED",
        "partySize": 6,
        "dinerName": "John Doe",
        "email": "john@example.com",
        "phone": "15551234567",
        "startAt": "2026-03-14T23:15:00Z",
    }.items() <= in_order.items()
    assert in_order["metadata"] == {
        "specialRequests": "Window seat preferred",
        "cancellationReason": "Guest cancelled",
        "restaurantName": "Demo Restaurant",
        "startAtNote": None,
    }


@pytest.mark.parametrize("order", ORDERS)
async def test_any_order_ends_in_the_same_document(
    order: tuple[int, ...], in_order: dict[str, Any], create_sender: Any
) -> None:
    sender = await create_sender()
    events = events_of_restaurant(sender)
    for index in order:
        await sender.send(events[index])
    assert await read_document_without_times(sender) == in_order | {
        "restaurantId": sender.restaurant.id
    }


@pytest.mark.parametrize("order", ORDERS)
async def test_any_order_with_every_event_twice_is_journaled_once(
    order: tuple[int, ...], sender: WebhookSender
) -> None:
    events = events_of_restaurant(sender)
    for index in (*order, *reversed(order)):
        assert (await sender.send(events[index])).status_code == 200
    expected = {f"evt-{json.loads(body)['id']}" for body in events}
    assert set(await sender.stored_ledger.journal("ot_1001")) == expected
    assert await sender.stored_ledger.diff_from_journal("ot_1001") == {}
