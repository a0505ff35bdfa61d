"""What trips the brake, and what only looks as if it should."""

from dev.sandbox.rows import RenderContext, build_webhook_row
from tests.held import SOON
from tests.hidden import Hidden
from tests.world import NEW_YORK, World, disagreements

MANY = 30


async def test_an_empty_answer_is_held_and_asks_for_nothing_by_id(world: World) -> None:
    booked = [world.desk.create(SOON, 2) for _ in range(MANY)]
    await world.poll()
    asked = world.sandbox.request_counts["reservation"]
    with Hidden(world, *(reservation.key for reservation in booked)):
        report = await world.reconcile()
    assert (report["status"], report["openTableCount"]) == ("HELD", 0)
    assert f"lacks {MANY} of {MANY}" in report["reason"]
    assert world.sandbox.request_counts["reservation"] == asked
    assert {document["status"] for document in (await world.ledger()).values()} == {"BOOKED"}


async def test_an_empty_answer_about_a_small_ledger_is_asked_about_one_by_one(
    world: World,
) -> None:
    booked = [world.desk.create(SOON, 2) for _ in range(20)]
    await world.poll()
    with Hidden(world, *(reservation.key for reservation in booked)):
        report = await world.reconcile()
    assert (report["status"], len(report["divergences"])) == ("COMPLETED", 20)
    assert {document["status"] for document in (await world.ledger()).values()} == {"BOOKED"}


async def test_a_first_run_over_what_a_relay_said_is_not_held(world: World) -> None:
    for _ in range(MANY):
        key = world.desk.create(SOON, 2).key
        said = {"partySize": 4, "reservationDateTime": SOON.isoformat(), "status": "confirmed"}
        await world.hear_relay("created", reservationId=key, **said)
    report = await world.reconcile()
    assert (report["status"], len(report["updated"])) == ("COMPLETED", MANY)
    assert disagreements(world.book(), await world.ledger()) == []


async def test_a_first_run_over_what_webhooks_brought_long_ago_is_not_held(world: World) -> None:
    view = RenderContext("gold", NEW_YORK, "https://platform.opentable.com")
    for _ in range(MANY):
        booked = world.desk.create(SOON, 2)
        await world.take_in(build_webhook_row(booked, view))
        world.desk.change_party_size(booked.key, 5)
    report = await world.reconcile()
    assert (report["status"], len(report["updated"])) == ("COMPLETED", MANY)
