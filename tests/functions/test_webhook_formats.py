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


async def test_a_stored_row_is_reconciled_immediately(sender: WebhookSender) -> None:
    await sender.send(sender.row(7, state="Seated"))
    document = await sender.stored_ledger.document()
    assert document["status"] == "SEATED"
    assert document["reconciliation"]["reconciliationStatus"] == "RECONCILED"


@pytest.mark.parametrize("as_number", [True, False])
async def test_an_envelope_may_name_its_restaurant_by_rid(
    as_number: bool,
    sender: WebhookSender,
) -> None:
    rid = sender.restaurant.rid
    response = await sender.send(sender.envelope(restaurantId=int(rid) if as_number else rid))
    assert (response_status(response), response.json()["restaurantId"]) == (
        (200, "created"),
        sender.restaurant.id,
    )


async def test_an_envelope_and_a_row_update_one_document(sender: WebhookSender) -> None:
    rid = sender.restaurant.rid
    await sender.send(sender.envelope(reservationId=f"{rid}-{UUID.lower()}"))
    response = await sender.send(sender.row(1, id=UUID))
    assert response_status(response)[1] == "updated"
    assert set(await sender.stored_ledger.journal(UUID.lower())) == {"evt-created_0", "seq-1"}


async def test_a_time_without_a_zone_is_the_restaurants_own(sender: WebhookSender) -> None:
    await sender.send(sender.envelope(reservationDateTime="2026-03-14T19:15:00"))
    document = await sender.stored_ledger.document()
    assert (document["startAt"], document["localDate"]) == ("2026-03-14T23:15:00Z", "2026-03-14")


async def test_an_objects_utc_time_without_a_zone_is_utc(sender: WebhookSender) -> None:
    await sender.send(sender.row(1, scheduled_time_utc="2026-03-15T02:15:00"))
    document = await sender.stored_ledger.document()
    assert (document["startAt"], document["localDate"]) == ("2026-03-15T02:15:00Z", "2026-03-14")


async def test_a_patch_without_a_start_stays_incomplete(sender: WebhookSender) -> None:
    await sender.send(sender.envelope("updated", 1, partySize=6))
    document = await sender.stored_ledger.document()
    assert (document["partySize"], document["startAt"], document["dinerName"]) == (
        6,
        None,
        "OpenTable Guest",
    )
    assert document["reconciliation"]["reconciliationStatus"] == "PENDING"


async def test_aliases_are_read(sender: WebhookSender) -> None:
    body = {
        "event_type": "reservation.created",
        "id": "evt_9",
        "timestamp": "2026-03-09T12:00:00Z",
        "data": {
            "reservation_id": "ot_1",
            "restaurant_id": sender.restaurant.id,
            "guest_name": "Grace Hopper",
            "guest_count": "3",
            "datetime": "2026-03-14T23:15:00Z",
            "notes": "Quiet",
        },
    }
    assert response_status(await sender.send(body)) == (200, "created")
    document = await sender.stored_ledger.document()
    assert (document["dinerName"], document["partySize"], document["status"]) == (
        "Grace Hopper",
        3,
        "CONFIRMED",
    )


async def test_the_journal_contains_the_unchanged_body(sender: WebhookSender) -> None:
    strange = b' {"a\\u0000.b`__proto__": {"": [1e400, -0.0]}, '
    raw = json.dumps(sender.row(1)).encode().replace(b"{", strange, 1)
    assert response_status(await sender.send(raw)) == (200, "created")
    assert (await sender.stored_ledger.journal())["seq-1"]["payload"] == raw.decode()


async def test_null_in_a_patch_is_the_same_as_missing(sender: WebhookSender) -> None:
    await sender.send(sender.envelope())
    await sender.send(sender.envelope("updated", 1, partySize=None, dinerName=None))
    document = await sender.stored_ledger.document()
    assert (document["partySize"], document["dinerName"]) == (4, "Ada Lovelace")


async def test_a_cancelled_event_overrides_its_status_field(sender: WebhookSender) -> None:
    await sender.send(sender.envelope("cancelled", 1, status="confirmed"))
    assert (await sender.stored_ledger.document())["status"] == "CANCELLED"


async def test_two_spellings_of_one_row_are_a_duplicate(sender: WebhookSender) -> None:
    one = {"state": "PartiallySeated", "guest_request": "Cr\u00e8me\nnuts", "party_size": 4}
    other = {"state": "partially seated", "guest_request": "Cre\u0300me\r\nnuts", "party_size": "4"}
    await sender.send(sender.row(1, **one))
    assert response_status(await sender.send(sender.row(1, **other))) == (200, "duplicate")
    assert await sender.stored_ledger.quarantine_items() == []


async def test_two_spellings_of_one_envelope_are_a_duplicate(sender: WebhookSender) -> None:
    await sender.send(sender.envelope(status="checked_in", partySize=4))
    repeated = sender.envelope(status="Checked In", partySize="4")
    assert response_status(await sender.send(repeated)) == (200, "duplicate")


async def test_a_long_text_is_cut_and_named(sender: WebhookSender) -> None:
    await sender.send(sender.envelope(specialRequests="x" * 200_000))
    metadata = (await sender.stored_ledger.document())["metadata"]
    assert len(metadata["specialRequests"].encode()) == 8192
    assert metadata["cutTexts"] == ["specialRequests"]


async def test_an_unknown_state_is_stored_and_keeps_the_status(sender: WebhookSender) -> None:
    await sender.send(sender.row(1, state="Seated"))
    await sender.send(sender.row(2, state="Cheese Course"))
    document = await sender.stored_ledger.document()
    assert (document["status"], document["source"]["state"]) == ("SEATED", "Cheese Course")
