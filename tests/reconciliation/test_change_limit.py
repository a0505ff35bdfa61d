"""When a reconciliation is held: too many changes or missing reservations, and the exceptions."""

from datetime import timedelta

from google.cloud.firestore import DELETE_FIELD

from sandbox.background_bookings import populate_store
from sandbox.sync_rows import RenderContext, build_webhook_row
from tests.support.held_plans import VISIT_TIME, execute_plan, external_keys
from tests.support.world import NEW_YORK, START_TIME, HiddenReservations, World, differing_keys

LEDGER_SIZE = 30


async def book_and_poll(world: World, count: int) -> list[str]:
    """Create reservations on both sides and return their keys at OpenTable."""
    keys = [world.actions.create(VISIT_TIME, 2).key for _ in range(count)]
    await world.poll()
    return keys


async def list_statuses(world: World) -> set[str]:
    return {document["status"] for document in (await world.ledger_documents()).values()}


async def test_an_empty_response_is_held_without_requests_by_id(world: World) -> None:
    keys = await book_and_poll(world, LEDGER_SIZE)
    request_count = world.sandbox.request_counts["reservation"]
    with HiddenReservations(world, *keys):
        report = await world.reconcile()
    assert (report["status"], report["openTableCount"]) == ("HELD", 0)
    assert f"{LEDGER_SIZE} of {LEDGER_SIZE} reservations are not in" in report["reason"]
    assert world.sandbox.request_counts["reservation"] == request_count
    assert await list_statuses(world) == {"BOOKED"}


async def test_a_response_missing_a_third_of_the_ledger_is_held(world: World) -> None:
    keys = await book_and_poll(world, 70)
    request_count = world.sandbox.request_counts["reservation"]
    with HiddenReservations(world, *keys[:22]):
        report = await world.reconcile()
    assert (report["status"], report["divergences"]) == ("HELD", [])
    assert report["reason"] == (
        "22 of 70 reservations are not in OpenTable's list. Nothing was changed. "
        "A manager must review the plan."
    )
    assert world.sandbox.request_counts["reservation"] == request_count


async def test_an_empty_response_for_a_small_ledger_is_checked_by_id(world: World) -> None:
    keys = await book_and_poll(world, 20)
    with HiddenReservations(world, *keys):
        report = await world.reconcile()
    assert (report["status"], len(report["divergences"])) == ("COMPLETED", 20)
    assert await list_statuses(world) == {"BOOKED"}


async def test_cancellations_of_a_third_of_the_ledger_are_held(world: World) -> None:
    for key in (await book_and_poll(world, 70))[:22]:
        world.actions.cancel(key)
    report = await world.reconcile()
    assert (report["status"], len(report["cancelled"])) == ("HELD", 22)
    assert await list_statuses(world) == {"BOOKED"}


async def change_and_move(world: World, changed_count: int, moved_count: int) -> set[str]:
    """Change some reservations, move others out of the window, and return all external keys."""
    keys = await book_and_poll(world, 60)
    for key in keys[:changed_count]:
        world.actions.change_party_size(key, 5)
    for key in keys[-moved_count:]:
        world.actions.reschedule(key, START_TIME + timedelta(days=90))
    return {key.lower() for key in (*keys[:changed_count], *keys[-moved_count:])}


async def test_rows_requested_by_id_count_as_updates(world: World) -> None:
    changed_keys = await change_and_move(world, 11, 10)
    documents = await world.ledger_documents()
    report = await world.reconcile()
    assert (report["status"], report["missing"]) == ("HELD", [])
    assert external_keys(report["updated"]) == changed_keys
    assert await world.ledger_documents() == documents


async def test_listed_and_requested_updates_within_the_limit_are_applied(world: World) -> None:
    changed_keys = await change_and_move(world, 10, 10)
    report = await world.reconcile()
    assert report["status"] == "COMPLETED"
    assert external_keys(report["updated"]) == changed_keys


async def test_a_forced_plan_applies_the_rows_requested_by_id(world: World) -> None:
    changed_keys = await change_and_move(world, 11, 10)
    held = await world.reconcile()
    report = await execute_plan(world, held["reportId"])
    assert external_keys(report["updated"]) == changed_keys


async def test_a_first_run_is_never_held(world: World) -> None:
    populate_store(world.sandbox.store, int(world.restaurant.rid), 400)
    report = await world.reconcile()
    assert report["status"] == "COMPLETED"
    assert len(report["created"]) > 20


async def test_a_first_run_over_relay_reservations_is_not_held(world: World) -> None:
    start = VISIT_TIME.isoformat()
    for _ in range(LEDGER_SIZE):
        key = world.actions.create(VISIT_TIME, 2).key
        data = {"partySize": 4, "reservationDateTime": start, "status": "confirmed"}
        await world.ingest_envelope("created", reservationId=key, **data)
    report = await world.reconcile()
    assert (report["status"], len(report["updated"])) == ("COMPLETED", LEDGER_SIZE)
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_first_run_over_old_webhook_reservations_is_not_held(world: World) -> None:
    context = RenderContext("gold", NEW_YORK, "https://platform.opentable.com")
    for _ in range(LEDGER_SIZE):
        booked = world.actions.create(VISIT_TIME, 2)
        await world.ingest_row(build_webhook_row(booked, context))
        world.actions.change_party_size(booked.key, 5)
    report = await world.reconcile()
    assert (report["status"], len(report["updated"])) == ("COMPLETED", LEDGER_SIZE)


async def test_a_run_after_a_months_pause_is_not_held(world: World) -> None:
    booked = [world.actions.create(START_TIME + timedelta(days=35), 2) for _ in range(60)]
    await world.poll()
    world.clock.advance(timedelta(days=30).total_seconds())
    for reservation in booked:
        world.actions.change_party_size(reservation.key, 3)
    report = await world.reconcile()
    assert (report["status"], len(report["updated"])) == ("COMPLETED", 60)


async def test_a_new_field_reaches_every_reservation_without_being_held(world: World) -> None:
    await book_and_poll(world, LEDGER_SIZE)
    complete = await world.ledger_documents()
    # A release that did not read `origin` left the documents like this.
    unread = {"metadata.origin": DELETE_FIELD, "sync.opentable.values.origin": DELETE_FIELD}
    for document in complete.values():
        await world.reservations_collection.document(document["id"]).update(unread)
    report = await world.reconcile()
    assert (report["status"], report["unchangedCount"]) == ("COMPLETED", LEDGER_SIZE)
    assert (report["updated"], report["missedWebhooks"]) == ([], 0)
    documents = await world.ledger_documents()
    assert {key: document["metadata"] for key, document in documents.items()} == {
        key: document["metadata"] for key, document in complete.items()
    }
    await world.reconcile()
    assert await world.ledger_documents() == documents
