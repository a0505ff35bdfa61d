"""Both formats, with either id of a restaurant, write one reservation."""

import json

import pytest

from tests.support.webhooks import WebhookSender, response_status

UUID = "2B7E9F40-6c1d-4f0a-8E55-91c7d0a4be13"


async def test_an_object_finds_its_restaurant_by_rid(sender: WebhookSender) -> None:
    response = await sender.send(sender.row(7))
    assert response.json() == {
        "status": "created",
        "restaurantId": sender.restaurant.id,
        "reservationId": "opentable-ot_1",
        "eventId": "seq-7",
    }


@pytest.mark.parametrize("rid_type", [int, str])
async def test_an_envelope_may_name_its_restaurant_by_rid(
    rid_type: type, sender: WebhookSender
) -> None:
    response = await sender.send(sender.envelope(restaurantId=rid_type(sender.restaurant.rid)))
    assert response_status(response) == (200, "created")
    assert response.json()["restaurantId"] == sender.restaurant.id


async def test_an_envelope_and_a_row_update_one_document(sender: WebhookSender) -> None:
    rid = sender.restaurant.rid
    await sender.send(sender.envelope(reservationId=f"{rid}-{UUID.lower()}"))
    response = await sender.send(sender.row(1, id=UUID))
    assert response_status(response)[1] == "updated"
    assert set(await sender.stored_ledger.journal(UUID.lower())) == {"evt-created_0", "seq-1"}


async def test_the_journal_contains_the_unchanged_body(sender: WebhookSender) -> None:
    strange = b' {"a\\u0000.b`__proto__": {"": [1e400, -0.0]}, '
    raw = json.dumps(sender.row(1)).encode().replace(b"{", strange, 1)
    assert response_status(await sender.send(raw)) == (200, "created")
    assert (await sender.stored_ledger.journal())["seq-1"]["payload"] == raw.decode()
