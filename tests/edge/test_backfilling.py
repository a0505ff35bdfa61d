"""A backfill brings a range of days, and disturbs nobody meanwhile."""

from datetime import timedelta

from dev.sandbox.guestbook import GuestActions
from dev.sandbox.rows import RenderContext, build_webhook_row
from shared.edge.backfilling import run_backfill_steps
from shared.edge.opentable.clock import Deadline
from tests.backfills import (
    begin_test_backfill,
    book_range,
    read_settings_document,
    read_state,
    run_slices,
)
from tests.world import NEW_YORK, START_TIME, World, differing_keys


async def test_a_backfill_imports_only_the_requested_days(world: World) -> None:
    wanted = book_range(world)
    for days in (-11, 18):
        world.desk.create(START_TIME + timedelta(days=days), 2)
    await begin_test_backfill(world)
    last = (await run_slices(world))[-1]
    # The closing listing brings all that changed lately, which here is everything.
    assert (last.status, last.counts["created"]) == ("COMPLETED", 29)
    assert set(wanted) <= (await world.ledger_documents()).keys()


async def test_guests_come_with_their_reservations(world: World) -> None:
    book_range(world)
    await begin_test_backfill(world)
    await run_slices(world)
    names = {document["dinerName"] for document in (await world.ledger_documents()).values()}
    assert names == {"OpenTable Guest"} | {f"Guest {day} Example" for day in range(-9, 17, 2)}


async def test_a_guest_who_came_since_the_guests_were_read_is_fetched(world: World) -> None:
    await begin_test_backfill(world)

    def book_with_a_new_guest(_: object) -> None:
        world.sandbox.faults.on_page = None  # once, after the page of guests
        guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
        world.desk.create(START_TIME, 2, guest_key=guests.add("Ada", "Example").key)

    world.sandbox.faults.on_page = book_with_a_new_guest
    await run_slices(world)
    assert [one["dinerName"] for one in (await world.ledger_documents()).values()] == [
        "Ada Example"
    ]


async def test_old_reservations_are_imported_by_their_slice(world: World) -> None:
    keys = book_range(world)
    world.clock.advance(86_400)
    await begin_test_backfill(world)
    *slices, closing = await run_slices(world)
    assert [step.completed_days for step in slices] == [7, 14, 21, 28]
    assert slices[-1].counts["created"] == len(keys)
    assert closing.counts["fetched"] == len(keys)


async def test_progress_is_stored_after_each_slice(world: World) -> None:
    book_range(world)
    await begin_test_backfill(world)
    [first] = await run_slices(world, slices=1)
    assert (await read_state(world), first.completed_days) == (first, 7)


async def test_concurrent_webhooks_are_never_undone(world: World) -> None:
    keys = book_range(world)
    world.clock.advance(86_400)
    await begin_test_backfill(world)
    tomorrow = keys[11]
    open_table_id = next(
        row.key for row in world.opentable_reservations().values() if row.key.lower() == tomorrow
    )
    async for step in run_backfill_steps(world.services, world.restaurant.id, Deadline.after(60)):
        if step.completed_days == 7:
            changed = world.desk.change_party_size(open_table_id, 7)
            await world.ingest_row(
                build_webhook_row(changed, RenderContext("gold", NEW_YORK, "https://x"))
            )
    assert (await world.ledger_documents())[tomorrow]["partySize"] == 7
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_reservation_moved_into_a_completed_slice_is_imported_at_the_end(
    world: World,
) -> None:
    keys = book_range(world)
    world.clock.advance(86_400)
    await begin_test_backfill(world)
    async for step in run_backfill_steps(world.services, world.restaurant.id, Deadline.after(60)):
        world.clock.advance(60)
        if step.completed_days == 14:
            late = next(
                row.key
                for row in world.opentable_reservations().values()
                if row.key.lower() == keys[-1]
            )
            world.desk.reschedule(late, START_TIME - timedelta(days=9))
    assert differing_keys(world.opentable_reservations(), await world.ledger_documents()) == []


async def test_a_backfill_of_stored_reservations_changes_nothing(world: World) -> None:
    keys = book_range(world)
    await begin_test_backfill(world)
    await run_slices(world)
    before = await world.all_documents()
    await begin_test_backfill(world)
    last = (await run_slices(world))[-1]
    after = await world.all_documents()
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {f"restaurants/{world.restaurant.id}/integrations/opentable"}
    assert last.counts["unchanged"] == last.counts["fetched"] >= len(keys)


async def test_a_concurrent_poll_and_reconciliation_do_not_affect_a_backfill(world: World) -> None:
    book_range(world)
    await begin_test_backfill(world)
    [before] = await run_slices(world, slices=1)
    assert (await world.poll())["backfill"] == "RUNNING"
    assert (await world.reconcile())["status"] == "COMPLETED"
    assert await read_state(world) == before
    assert (await run_slices(world))[-1].status == "COMPLETED"


async def test_a_backfill_counts_no_missed_webhooks_and_no_silence(world: World) -> None:
    await world.poll()
    book_range(world)
    world.clock.advance(3_600)
    await begin_test_backfill(world)
    await run_slices(world)
    result = await world.poll()
    poll = (await read_settings_document(world))["poll"]
    assert (result["created"], poll["missedWebhooks"], poll.get("missedRuns")) == (0, 0, None)
    assert (await world.reconcile())["missedWebhooks"] == 0
