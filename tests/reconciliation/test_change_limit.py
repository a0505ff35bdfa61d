"""What trips the brake, and what only looks as if it should."""

from google.cloud.firestore import DELETE_FIELD

from sandbox.sync_rows import RenderContext, build_webhook_row
from shared.firestore import paths
from tests.support.held_plans import VISIT_TIME
from tests.support.world import NEW_YORK, HiddenReservations, World, differing_keys

LEDGER_SIZE = 30


async def test_an_empty_response_is_held_without_requests_by_id(world: World) -> None:
    booked = [world.desk.create(VISIT_TIME, 2) for _ in range(LEDGER_SIZE)]
    await world.poll()
    asked = world.sandbox.request_counts["reservation"]
    with HiddenReservations(world, *(reservation.key for reservation in booked)):
        report = await world.reconcile()
    assert (report["status"], report["openTableCount"]) == ("HELD", 0)
    assert f"lacks {LEDGER_SIZE} of {LEDGER_SIZE}" in report["reason"]
    assert world.sandbox.request_counts["reservation"] == asked
    assert {document["status"] for document in (await world.ledger_documents()).values()} == {
        "BOOKED"
    }


async def test_an_empty_response_for_a_small_ledger_is_checked_by_id(
    world: World,
) -> None:
    booked = [world.desk.create(VISIT_TIME, 2) for _ in range(20)]
    await world.poll()
    with HiddenReservations(world, *(reservation.key for reservation in booked)):
        report = await world.reconcile()
    assert (report["status"], len(report["divergences"])) == ("COMPLETED", 20)
    assert {document["status"] for document in (await world.ledger_documents()).values()} == {
        "BOOKED"
    }


async def test_a_first_run_over_relay_reservations_is_not_held(world: World) -> None:
    for _ in range(LEDGER_SIZE):
        key = world.desk.create(VISIT_TIME, 2).key
        said = {
            "partySize": 4,
            "reservationDateTime": VISIT_TIME.isoformat(),
            "status": "confirmed",
        }
        await world.ingest_envelope("created", reservationId=key, **said)
    report = await world.reconcile()
    assert (report["status"], len(report["updated"])) == ("COMPLETED", LEDGER_SIZE)
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_first_run_over_what_webhooks_brought_long_ago_is_not_held(world: World) -> None:
    view = RenderContext("gold", NEW_YORK, "https://platform.opentable.com")
    for _ in range(LEDGER_SIZE):
        booked = world.desk.create(VISIT_TIME, 2)
        await world.ingest_row(build_webhook_row(booked, view))
        world.desk.change_party_size(booked.key, 5)
    report = await world.reconcile()
    assert (report["status"], len(report["updated"])) == ("COMPLETED", LEDGER_SIZE)


async def test_a_new_field_reaches_every_reservation_without_being_held(world: World) -> None:
    for _ in range(LEDGER_SIZE):
        world.desk.create(VISIT_TIME, 2)
    await world.poll()
    complete = await world.ledger_documents()
    # A release that did not read `origin` left the documents like this.
    unread = {"metadata.origin": DELETE_FIELD, "sync.opentable.values.origin": DELETE_FIELD}
    reservations = paths.reservations_collection(world.services.firestore, world.restaurant.id)
    for document in complete.values():
        await reservations.document(document["id"]).update(unread)
    report = await world.reconcile()
    assert (report["status"], report["unchangedCount"]) == ("COMPLETED", LEDGER_SIZE)
    assert (report["updated"], report["missedWebhooks"]) == ([], 0)
    documents = await world.ledger_documents()
    assert {key: document["metadata"] for key, document in documents.items()} == {
        key: document["metadata"] for key, document in complete.items()
    }
    await world.reconcile()
    assert await world.ledger_documents() == documents
