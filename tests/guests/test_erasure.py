"""A forgotten guest is erased from all stored data and is not restored by later events."""

import json

import pytest

from tests.support.guests import (
    DINER_FIELDS,
    GuestScenario,
    MarkedDiner,
    clear_poll_cursor,
    quarantine_text,
)
from tests.support.world import World


@pytest.fixture
async def scenario(world: World) -> GuestScenario:
    await world.change_settings(country="US")
    return GuestScenario(world)


@pytest.fixture
async def diner(scenario: GuestScenario) -> MarkedDiner:
    diner = MarkedDiner(scenario)
    await diner.create_everywhere()
    return diner


async def read_initials(diner: MarkedDiner) -> list[str | None]:
    documents = await diner.scenario.all_documents()
    return [
        document["summary"]["guest"]
        for path, document in documents.items()
        if "openTableQuarantine" in path
    ]


async def forget_guest(diner: MarkedDiner) -> None:
    diner.scenario.guests.forget(diner.key)
    await diner.scenario.poll()


async def test_a_diner_in_over_forty_fields_is_erased_from_all(diner: MarkedDiner) -> None:
    before = await diner.marked_fields()
    collections = {path.split("/")[2] for path in before}
    assert len(before) > 40
    assert collections == {"reservations", "openTableGuests", "openTableQuarantine"}
    await forget_guest(diner)
    assert await diner.marked_fields() == []


async def test_anonymous_fields_are_not_erased(diner: MarkedDiner) -> None:
    names = ("startAt", "localDate", "partySize", "status", "bookedAt", "createdAt")
    before = await diner.world.ledger_documents()
    await forget_guest(diner)
    after = await diner.world.ledger_documents()
    assert after.keys() == before.keys()
    for key, document in after.items():
        assert document["dinerName"] == "OpenTable Guest"
        assert [document[name] for name in names] == [before[key][name] for name in names]


async def test_no_search_finds_an_erased_diner(diner: MarkedDiner) -> None:
    before = await diner.world.ledger_documents()
    assert all("marked" in document["searchTerms"] for document in before.values())
    await forget_guest(diner)
    after = await diner.world.ledger_documents()
    assert [document["searchTerms"] for document in after.values()] == [[]] * len(after)


async def test_the_initials_in_the_quarantine_are_erased(diner: MarkedDiner) -> None:
    assert any(await read_initials(diner))
    await forget_guest(diner)
    assert not any(await read_initials(diner))


async def test_the_guest_record_contains_only_key_and_time(diner: MarkedDiner) -> None:
    await forget_guest(diner)
    tombstone = (await diner.scenario.stored_guests())[diner.key.lower()]
    assert tombstone == {"guestKey": diner.key.lower(), "forgottenAt": diner.world.clock()}


async def test_the_erasure_is_journaled_by_kind_time_and_number_of_places(
    diner: MarkedDiner,
) -> None:
    await forget_guest(diner)
    documents = await diner.scenario.all_documents()
    [entry] = [document for path, document in documents.items() if "openTableErasures" in path]
    assert entry.pop("places") > 20
    assert entry == {"kind": "FORGOTTEN", "erasedAt": diner.world.clock()}


async def test_a_repeated_erasure_is_not_journaled(diner: MarkedDiner) -> None:
    await forget_guest(diner)
    await diner.world.poll()
    paths = await diner.scenario.all_documents()
    assert len([path for path in paths if "openTableErasures" in path]) == 1


async def test_redelivered_events_do_not_restore_the_diner(diner: MarkedDiner) -> None:
    await forget_guest(diner)
    await diner.resend_everything()
    assert await diner.marked_fields() == []


async def test_a_first_poll_and_a_reconciliation_do_not_restore_the_diner(
    diner: MarkedDiner,
) -> None:
    await forget_guest(diner)
    await clear_poll_cursor(diner.world)
    await diner.world.poll()
    await diner.world.reconcile()
    for booked in diner.reservations:
        diner.world.actions.set_notes(booked.key, "marked once more")
    await diner.world.reconcile()
    await diner.scenario.poll()
    assert await diner.marked_fields() == []


async def test_quarantined_bodies_of_the_diner_are_erased_first(diner: MarkedDiner) -> None:
    await forget_guest(diner)
    rid = diner.world.restaurant.rid
    for booked in diner.reservations:
        row = diner.scenario.row(booked, party_size=0, guest_request="marked")
        for variant in (row, {**row, "id": booked.key.upper()}, {**row, "guest_id": None}):
            await diner.world.ingest_row(variant)
        await diner.world.ingest_envelope(
            "updated", reservationId=booked.key, **DINER_FIELDS | {"partySize": 0}
        )
    body = {"rid": int(rid), "id": f"{rid}-another", "guest_id": f"{rid}-{diner.key}"}
    await diner.world.ingest_row(body | {"guest_request": "marked", "sequence_id": "marked"})
    assert await diner.marked_fields() == []


async def test_a_new_reservation_of_a_forgotten_diner_has_no_personal_data(
    diner: MarkedDiner,
) -> None:
    await forget_guest(diner)
    booked = diner.scenario.book(diner.key, request="marked")
    await diner.scenario.ingest_and_fetch_guest(booked)
    await diner.send_envelope("updated", booked, **DINER_FIELDS)
    assert booked.key.lower() in await diner.world.ledger_documents()
    assert await diner.marked_fields() == []


async def test_earlier_relay_data_is_erased_in_the_commit_that_links_the_guest(
    diner: MarkedDiner,
) -> None:
    await forget_guest(diner)
    booked = diner.scenario.book(diner.key, request="marked")
    await diner.send_envelope("created", booked, partySize=2, **DINER_FIELDS)
    assert await diner.marked_fields() != []
    await diner.world.ingest_row(diner.scenario.row(booked))
    assert await diner.marked_fields() == []


async def test_bodies_quarantined_before_the_link_are_erased_by_the_next_reconciliation(
    diner: MarkedDiner,
) -> None:
    await forget_guest(diner)
    diner.world.clock.advance(90 * 24 * 3600)
    booked = diner.world.actions.create(diner.world.clock(), 2, guest_key=diner.key)
    body = {"data": {"reservationId": booked.key, "notes": "marked", "partySize": 0}}
    await quarantine_text(diner.world, json.dumps(body))
    await diner.world.ingest_row(diner.scenario.row(booked))
    assert await diner.marked_fields() != []
    await diner.world.reconcile()
    assert await diner.marked_fields() == []


async def test_a_first_poll_erases_a_diner_whose_reservation_lies_before_its_window(
    scenario: GuestScenario,
) -> None:
    diner = MarkedDiner(scenario)
    key = scenario.guests.add("Zoë", "Marked").key
    booked = diner.scenario.book(key, request="marked")
    await diner.world.ingest_row(scenario.row(booked))
    diner.world.clock.advance(10 * 24 * 3600)
    scenario.guests.forget(key)
    await diner.world.poll()
    assert await diner.marked_fields() == []


async def test_a_guest_merged_into_a_forgotten_one_is_erased_too(
    diner: MarkedDiner,
) -> None:
    await forget_guest(diner)
    loser = diner.scenario.guests.add("Z.", "Marked", "z.marked@example.com")
    booked = diner.scenario.book(loser.key, request="marked")
    await diner.scenario.ingest_and_fetch_guest(booked)
    await quarantine_text(diner.world, json.dumps({"data": {"email": "z.marked@example.com"}}))
    assert await diner.marked_fields() != []
    diner.scenario.guests.merge(loser.key, diner.key)
    await diner.scenario.poll()
    assert await diner.marked_fields() == []
    row = diner.scenario.row(booked, id="?", guest_request="marked")
    await diner.world.ingest_row(row)
    assert await diner.marked_fields() == []


async def test_a_fetched_guest_marked_forgotten_is_erased_immediately(
    scenario: GuestScenario,
) -> None:
    diner = MarkedDiner(scenario)
    key = scenario.guests.add("Zoë", "Marked").key
    scenario.guests.forget(key)
    booked = diner.scenario.book(key, request="marked wish")
    await diner.send_envelope("created", booked, partySize=2, **DINER_FIELDS)
    await diner.scenario.ingest_and_fetch_guest(booked)
    assert await diner.marked_fields() == []


async def test_a_reservation_once_linked_to_the_diner_has_no_data_of_the_diner(
    diner: MarkedDiner,
) -> None:
    booked = diner.reservations[0]
    other = diner.scenario.guests.add("Grace", "Hopper").key
    row = diner.scenario.row(booked, guest_id=f"{booked.rid}-{other}", sequence_id=9_000)
    await diner.world.ingest_row(row | {"guest_request": "", "venue_notes": None, "visit_tags": []})
    await forget_guest(diner)
    await diner.resend_everything()
    assert await diner.marked_fields() == []


async def test_other_guests_are_not_changed(diner: MarkedDiner) -> None:
    grace = diner.scenario.guests.add("Grace", "Hopper", "grace@example.com", "2125550123").key
    booked = diner.scenario.book(grace, request="A quiet table")
    await diner.scenario.ingest_and_fetch_guest(booked)
    body = json.dumps({"data": {"guest_name": "Grace Hopper", "partySize": 0}})
    await quarantine_text(diner.world, body)
    await forget_guest(diner)
    shown = await diner.scenario.shown_diner(booked)
    assert shown == ("Grace Hopper", "+12125550123", "grace@example.com")
    documents = await diner.scenario.all_documents()
    assert body in [document.get("body") for document in documents.values()]
    [entry] = [
        entry for entry in (await diner.scenario.journal(booked)).values() if entry["fields"]
    ]
    assert entry["fields"]["specialRequests"] == "A quiet table"
