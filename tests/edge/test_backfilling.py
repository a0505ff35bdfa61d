"""A backfill brings a range of days, and disturbs nobody meanwhile."""

from datetime import timedelta

from dev.sandbox.guestbook import GuestActions
from dev.sandbox.rows import RenderContext, build_webhook_row
from shared.edge.backfilling import run_backfill_steps
from shared.edge.opentable.clock import Deadline
from tests.backfills import begin, book_some, run, settings, state
from tests.world import BEGINNING, NEW_YORK, World, disagreements


async def test_a_backfill_brings_the_days_asked_for_and_no_others(world: World) -> None:
    wanted = book_some(world)
    for days in (-11, 18):
        world.desk.create(BEGINNING + timedelta(days=days), 2)
    await begin(world)
    last = (await run(world))[-1]
    # The closing listing brings all that changed lately, which here is everything.
    assert (last.status, last.counts["created"]) == ("COMPLETED", 29)
    assert set(wanted) <= (await world.ledger()).keys()


async def test_guests_come_with_their_reservations(world: World) -> None:
    book_some(world)
    await begin(world)
    await run(world)
    names = {document["dinerName"] for document in (await world.ledger()).values()}
    assert names == {"OpenTable Guest"} | {f"Guest {day} Example" for day in range(-9, 17, 2)}


async def test_a_guest_who_came_since_the_guests_were_read_is_fetched(world: World) -> None:
    await begin(world)

    def book_with_a_new_guest(_: object) -> None:
        world.sandbox.faults.on_page = None  # once, after the page of guests
        guests = GuestActions(world.sandbox.store, int(world.restaurant.rid))
        world.desk.create(BEGINNING, 2, guest_key=guests.add("Ada", "Example").key)

    world.sandbox.faults.on_page = book_with_a_new_guest
    await run(world)
    assert [one["dinerName"] for one in (await world.ledger()).values()] == ["Ada Example"]


async def test_what_is_old_is_brought_by_its_slice(world: World) -> None:
    keys = book_some(world)
    world.clock.advance(86_400)
    await begin(world)
    *slices, closing = await run(world)
    assert [step.completed_days for step in slices] == [7, 14, 21, 28]
    assert slices[-1].counts["created"] == len(keys)
    assert closing.counts["fetched"] == len(keys)


async def test_progress_is_stored_after_each_slice(world: World) -> None:
    book_some(world)
    await begin(world)
    [first] = await run(world, slices=1)
    assert (await state(world), first.completed_days) == (first, 7)


async def test_webhooks_that_arrive_meanwhile_are_never_undone(world: World) -> None:
    keys = book_some(world)
    world.clock.advance(86_400)
    await begin(world)
    tomorrow = keys[11]
    open_table_id = next(row.key for row in world.book().values() if row.key.lower() == tomorrow)
    async for step in run_backfill_steps(world.services, world.restaurant.id, Deadline.after(60)):
        if step.completed_days == 7:
            changed = world.desk.change_party_size(open_table_id, 7)
            await world.take_in(
                build_webhook_row(changed, RenderContext("gold", NEW_YORK, "https://x"))
            )
    assert (await world.ledger())[tomorrow]["partySize"] == 7
    assert disagreements(world.book(), await world.ledger()) == []


async def test_what_moves_into_a_slice_that_was_done_is_held_in_the_end(world: World) -> None:
    keys = book_some(world)
    world.clock.advance(86_400)
    await begin(world)
    async for step in run_backfill_steps(world.services, world.restaurant.id, Deadline.after(60)):
        world.clock.advance(60)
        if step.completed_days == 14:
            late = next(row.key for row in world.book().values() if row.key.lower() == keys[-1])
            world.desk.reschedule(late, BEGINNING - timedelta(days=9))
    assert disagreements(world.book(), await world.ledger()) == []


async def test_a_backfill_of_what_is_held_changes_nothing(world: World) -> None:
    keys = book_some(world)
    await begin(world)
    await run(world)
    before = await world.everything()
    await begin(world)
    last = (await run(world))[-1]
    after = await world.everything()
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {f"restaurants/{world.restaurant.id}/integrations/opentable"}
    assert last.counts["unchanged"] == last.counts["fetched"] >= len(keys)


async def test_a_poll_and_a_reconciliation_meanwhile_leave_it_as_it_is(world: World) -> None:
    book_some(world)
    await begin(world)
    [before] = await run(world, slices=1)
    assert (await world.poll())["backfill"] == "RUNNING"
    assert (await world.reconcile())["status"] == "COMPLETED"
    assert await state(world) == before
    assert (await run(world))[-1].status == "COMPLETED"


async def test_a_backfill_counts_no_missed_webhooks_and_no_silence(world: World) -> None:
    await world.poll()
    book_some(world)
    world.clock.advance(3_600)
    await begin(world)
    await run(world)
    result = await world.poll()
    poll = (await settings(world))["poll"]
    assert (result["created"], poll["missedWebhooks"], poll.get("deafRuns")) == (0, 0, None)
    assert (await world.reconcile())["missedWebhooks"] == 0
