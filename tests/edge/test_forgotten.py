"""A diner who must be forgotten is gone from everything that is stored, and stays gone."""

import json
from collections.abc import AsyncIterator

import pytest
from google.cloud.firestore import AsyncClient

from tests.edge.guest_party import SOON, Party
from tests.edge.marked_diner import ENVELOPE, MarkedDiner, forget_cursor, keep
from tests.world import make_world


@pytest.fixture
async def party(firestore: AsyncClient) -> AsyncIterator[Party]:
    world = await make_world(firestore, country="US")
    yield Party(world)
    world.executor.shutdown()


@pytest.fixture
async def diner(party: Party) -> MarkedDiner:
    diner = MarkedDiner(party)
    await diner.settle_in()
    return diner


async def forget(diner: MarkedDiner) -> None:
    diner.world.clock.advance(900)
    diner.party.guests.forget(diner.key)
    assert (await diner.world.poll())["status"] == "ok"


async def test_a_diner_in_over_forty_places_is_gone_from_all_of_them(diner: MarkedDiner) -> None:
    before = await diner.places()
    rooms = {place.split("/")[2] for place in before}
    assert len(before) > 40
    assert rooms == {"reservations", "openTableGuests", "openTableQuarantine"}
    await forget(diner)
    assert await diner.places() == []


async def test_the_anonymous_facts_stay(diner: MarkedDiner) -> None:
    facts = ("startAt", "localDate", "partySize", "status", "bookedAt", "createdAt")
    before = {
        key: [document[fact] for fact in facts]
        for key, document in (await diner.world.ledger()).items()
    }
    await forget(diner)
    after = await diner.world.ledger()
    assert {key: [document[fact] for fact in facts] for key, document in after.items()} == before
    assert {document["dinerName"] for document in after.values()} == {"OpenTable Guest"}


async def test_only_key_and_time_are_kept_of_the_guest(diner: MarkedDiner) -> None:
    await forget(diner)
    tombstone = (await diner.party.held())[diner.key.lower()]
    assert tombstone == {"guestKey": diner.key.lower(), "forgottenAt": diner.world.clock()}


async def test_the_erasure_is_journaled_by_kind_time_and_number_of_places(
    diner: MarkedDiner,
) -> None:
    await forget(diner)
    everything = await diner.party.everything()
    [entry] = [document for path, document in everything.items() if "openTableErasures" in path]
    assert entry.pop("places") > 20
    assert entry == {"kind": "FORGOTTEN", "erasedAt": diner.world.clock()}


async def test_erasing_again_erases_nothing_and_journals_nothing(diner: MarkedDiner) -> None:
    await forget(diner)
    before = await diner.party.everything()
    await diner.world.poll()
    erasures = [path for path in before if "openTableErasures" in path]
    after = await diner.party.everything()
    assert [path for path in after if "openTableErasures" in path] == erasures


async def test_the_diner_stays_gone_when_everything_old_is_told_again(diner: MarkedDiner) -> None:
    await forget(diner)
    await diner.replay()
    assert await diner.places() == []


async def test_the_diner_stays_gone_when_a_first_poll_and_a_reconciliation_run(
    diner: MarkedDiner,
) -> None:
    await forget(diner)
    await forget_cursor(diner.world)
    await diner.world.poll()
    await diner.world.reconcile()
    for booked in diner.booked:
        diner.world.desk.set_notes(booked.key, "marked once more")
    await diner.world.reconcile()
    diner.world.clock.advance(900)
    await diner.world.poll()
    assert await diner.places() == []


async def test_what_is_kept_aside_of_the_diner_is_scrubbed_first(diner: MarkedDiner) -> None:
    await forget(diner)
    rid = diner.world.restaurant.rid
    for booked in diner.booked:
        row = diner.party.row(booked, party_size=0, guest_request="marked")
        for told in (row, {**row, "id": booked.key.upper()}, {**row, "guest_id": None}):
            await diner.world.take_in(told)
        await diner.world.hear_relay(
            "updated", reservationId=booked.key, **ENVELOPE | {"partySize": 0}
        )
    body = {"rid": int(rid), "id": f"{rid}-another", "guest_id": f"{rid}-{diner.key}"}
    await diner.world.take_in(body | {"guest_request": "marked", "sequence_id": "marked"})
    assert await diner.places() == []


async def test_a_new_reservation_of_the_forgotten_diner_is_kept_without_the_diner(
    diner: MarkedDiner,
) -> None:
    await forget(diner)
    booked = diner.world.desk.create(SOON, 2, guest_key=diner.key, request="marked")
    await diner.party.hear(booked)
    await diner.letter("updated", booked, **ENVELOPE)
    assert booked.key.lower() in await diner.world.ledger()
    assert await diner.places() == []


async def test_what_a_relay_said_before_the_guest_was_named_goes_with_that_very_commit(
    diner: MarkedDiner,
) -> None:
    await forget(diner)
    booked = diner.world.desk.create(SOON, 2, guest_key=diner.key, request="marked")
    await diner.letter("created", booked, partySize=2, **ENVELOPE)
    assert await diner.places() != []
    await diner.world.take_in(diner.party.row(booked))
    assert await diner.places() == []


async def test_what_was_kept_aside_before_the_guest_was_named_goes_with_the_next_reconciliation(
    diner: MarkedDiner,
) -> None:
    await forget(diner)
    diner.world.clock.advance(90 * 24 * 3600)
    booked = diner.world.desk.create(diner.world.clock(), 2, guest_key=diner.key)
    body = {"data": {"reservationId": booked.key, "notes": "marked", "partySize": 0}}
    await keep(diner.world, json.dumps(body))
    await diner.world.take_in(diner.party.row(booked))
    assert await diner.places() != []
    await diner.world.reconcile()
    assert await diner.places() == []


async def test_a_first_poll_erases_a_diner_whose_reservation_lies_before_its_window(
    party: Party,
) -> None:
    diner = MarkedDiner(party)
    key = party.guests.add("Zoë", "Marked").key
    booked = diner.world.desk.create(SOON, 2, guest_key=key, request="marked")
    await diner.world.take_in(party.row(booked))
    diner.world.clock.advance(10 * 24 * 3600)
    party.guests.forget(key)
    await diner.world.poll()
    assert await diner.places() == []


async def test_a_guest_who_is_merged_into_the_forgotten_one_is_gone_too(
    diner: MarkedDiner,
) -> None:
    await forget(diner)
    loser = diner.party.guests.add("Z.", "Marked", "z.marked@example.com")
    booked = diner.world.desk.create(SOON, 2, guest_key=loser.key, request="marked")
    await diner.party.hear(booked)
    await keep(diner.world, json.dumps({"data": {"email": "z.marked@example.com"}}))
    assert await diner.places() != []
    diner.world.clock.advance(900)
    diner.party.guests.merge(loser.key, diner.key)
    await diner.world.poll()
    assert await diner.places() == []
    row = diner.party.row(booked, id="?", guest_request="marked")
    await diner.world.take_in(row)
    assert await diner.places() == []


async def test_a_guest_who_is_fetched_and_must_be_forgotten_is_gone_at_once(
    party: Party,
) -> None:
    diner = MarkedDiner(party)
    key = diner.party.guests.add("Zoë", "Marked").key
    diner.party.guests.forget(key)
    booked = diner.world.desk.create(SOON, 2, guest_key=key, request="marked wish")
    await diner.letter("created", booked, partySize=2, **ENVELOPE)
    await diner.party.hear(booked)
    assert await diner.places() == []


async def test_a_reservation_that_was_the_diners_once_holds_nothing_more_of_the_diner(
    diner: MarkedDiner,
) -> None:
    booked = diner.booked[0]
    other = diner.party.guests.add("Grace", "Hopper").key
    row = diner.party.row(booked, guest_id=f"{booked.rid}-{other}", sequence_id=9_000)
    await diner.world.take_in(row | {"guest_request": "", "venue_notes": None, "visit_tags": []})
    await forget(diner)
    await diner.replay()
    assert await diner.places() == []


async def test_nobody_else_is_touched(diner: MarkedDiner) -> None:
    grace = diner.party.guests.add("Grace", "Hopper", "grace@example.com", "2125550123").key
    booked = diner.world.desk.create(SOON, 2, guest_key=grace, request="A quiet table")
    await diner.party.hear(booked)
    body = json.dumps({"data": {"guest_name": "Grace Hopper", "partySize": 0}})
    await keep(diner.world, body)
    mine = ("Grace Hopper", "+12125550123", "grace@example.com")
    await forget(diner)
    everything = await diner.party.everything()
    assert await diner.party.diner(booked) == mine
    assert body in [document.get("body") for document in everything.values()]
    [entry] = [entry for entry in (await diner.party.journal(booked)).values() if entry["said"]]
    assert entry["said"]["specialRequests"] == "A quiet table"
