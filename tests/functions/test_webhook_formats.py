"""Two formats, two ways to name a restaurant, one reservation."""

import json

import pytest

from tests.sender import Sender, told

UUID = "2B7E9F40-6c1d-4f0a-8E55-91c7d0a4be13"


async def test_an_object_finds_its_restaurant_by_rid(sender: Sender) -> None:
    answer = await sender.send(sender.row(7))
    assert answer.json() == {
        "status": "created",
        "restaurantId": sender.restaurant.id,
        "reservationId": "opentable-ot_1",
        "eventId": "seq-7",
    }


async def test_an_object_is_reconciled_as_soon_as_it_is_held(sender: Sender) -> None:
    await sender.send(sender.row(7, state="Seated"))
    document = await sender.page.document()
    assert document["status"] == "SEATED"
    assert document["reconciliation"]["reconciliationStatus"] == "RECONCILED"


@pytest.mark.parametrize("as_number", [True, False])
async def test_an_envelope_may_name_its_restaurant_by_rid(as_number: bool, sender: Sender) -> None:  # noqa: FBT001 -- a parameter of the test
    rid = sender.restaurant.rid
    answer = await sender.send(sender.envelope(restaurantId=int(rid) if as_number else rid))
    assert (told(answer), answer.json()["restaurantId"]) == (
        (200, "created"),
        sender.restaurant.id,
    )


async def test_an_envelope_and_an_object_meet_on_one_document(sender: Sender) -> None:
    rid = sender.restaurant.rid
    await sender.send(sender.envelope(reservationId=f"{rid}-{UUID.lower()}"))
    answer = await sender.send(sender.row(1, id=UUID))
    assert told(answer)[1] == "updated"
    assert set(await sender.page.journal(UUID.lower())) == {"evt-created_0", "seq-1"}


async def test_a_time_without_a_zone_is_the_restaurants_own(sender: Sender) -> None:
    await sender.send(sender.envelope(reservationDateTime="2026-03-14T19:15:00"))
    document = await sender.page.document()
    assert (document["startAt"], document["localDate"]) == ("2026-03-14T23:15:00Z", "2026-03-14")


async def test_an_objects_utc_time_without_a_zone_is_utc(sender: Sender) -> None:
    await sender.send(sender.row(1, scheduled_time_utc="2026-03-15T02:15:00"))
    document = await sender.page.document()
    assert (document["startAt"], document["localDate"]) == ("2026-03-15T02:15:00Z", "2026-03-14")


async def test_a_patch_without_a_restaurants_word_on_time_stays_incomplete(sender: Sender) -> None:
    await sender.send(sender.envelope("updated", 1, partySize=6))
    document = await sender.page.document()
    assert (document["partySize"], document["startAt"], document["dinerName"]) == (
        6,
        None,
        "OpenTable Guest",
    )
    assert document["reconciliation"]["reconciliationStatus"] == "PENDING"


async def test_aliases_are_read(sender: Sender) -> None:
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
    assert told(await sender.send(body)) == (200, "created")
    document = await sender.page.document()
    assert (document["dinerName"], document["partySize"], document["status"]) == (
        "Grace Hopper",
        3,
        "CONFIRMED",
    )


async def test_the_journal_keeps_the_body_as_it_came(sender: Sender) -> None:
    strange = b' {"a\\u0000.b`__proto__": {"": [1e400, -0.0]}, '
    raw = json.dumps(sender.row(1)).encode().replace(b"{", strange, 1)
    assert told(await sender.send(raw)) == (200, "created")
    assert (await sender.page.journal())["seq-1"]["payload"] == raw.decode()


async def test_null_in_a_patch_is_the_same_as_missing(sender: Sender) -> None:
    await sender.send(sender.envelope())
    await sender.send(sender.envelope("updated", 1, partySize=None, dinerName=None))
    document = await sender.page.document()
    assert (document["partySize"], document["dinerName"]) == (4, "Ada Lovelace")


async def test_cancelled_means_cancelled_whatever_its_status_says(sender: Sender) -> None:
    await sender.send(sender.envelope("cancelled", 1, status="confirmed"))
    assert (await sender.page.document())["status"] == "CANCELLED"


async def test_an_unknown_state_leaves_the_status_and_is_kept(sender: Sender) -> None:
    await sender.send(sender.row(1, state="Seated"))
    await sender.send(sender.row(2, state="Cheese Course"))
    document = await sender.page.document()
    assert (document["status"], document["source"]["state"]) == ("SEATED", "Cheese Course")
