"""A restaurant gets another rid: OpenTable's ids begin with it, and the keys stay the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.actions import GuestActions
from sandbox.http import SandboxRequest, SandboxResponse
from shared.errors import PlanNotExecutableError
from shared.firestore import paths
from tests.support.held_plans import execute_plan, hold_plan_with_missing
from tests.support.world import START_TIME, World

NEW_RID = "444777"


@contextmanager
def renumbered(world: World) -> Iterator[None]:
    """Have OpenTable answer for the new rid with the reservations and guests of the old one."""
    old_rid, handle = world.restaurant.rid, world.sandbox.handle

    def answer(request: SandboxRequest) -> SandboxResponse:
        query = dict(request.query)
        if "rid" in query:
            query["rid"] = query["rid"].replace(NEW_RID, old_rid)
        headers = {**request.headers, "accept-encoding": "identity"}
        path = request.path.replace(NEW_RID, old_rid)
        response = handle(replace(request, path=path, query=query, headers=headers))
        body = response.body.replace(old_rid.encode(), NEW_RID.encode())
        return replace(
            response, body=body, headers={**response.headers, "Content-Length": str(len(body))}
        )

    world.sandbox.handle = answer  # type: ignore[method-assign]
    try:
        yield
    finally:
        world.sandbox.handle = handle  # type: ignore[method-assign]


async def change_rid(world: World) -> None:
    client = world.context.firestore
    await paths.rid_claim_document(client, NEW_RID).set({"restaurantId": world.restaurant.id})
    await world.change_settings(restaurantId=NEW_RID)


async def test_reservations_with_an_earlier_rid_are_unchanged(world: World) -> None:
    guest = GuestActions(world.sandbox.store, int(world.restaurant.rid)).add("Ada", "Lovelace")
    world.actions.create(START_TIME + timedelta(days=1), 2, guest_key=guest.key)
    await world.poll()
    await change_rid(world)
    with renumbered(world):
        poll = await world.poll()
        report = await world.reconcile()
    assert (poll["fetched"], poll["unchanged"], poll["quarantined"]) == (1, 1, 0)
    assert (report["status"], report["updated"], report["divergences"]) == ("COMPLETED", [], [])


async def test_a_reservation_with_an_earlier_rid_is_requested_with_the_new_one(
    world: World,
) -> None:
    booked = world.actions.create(START_TIME + timedelta(days=1), 2)
    await world.poll()
    await change_rid(world)
    world.actions.reschedule(booked.key, START_TIME + timedelta(days=90))
    with renumbered(world):
        report = await world.reconcile()
    assert [entry["externalId"] for entry in report["updated"]] == [booked.key.lower()]
    assert report["divergences"] == []
    (document,) = (await world.ledger_documents()).values()
    assert document["source"]["openTableId"] == f"{NEW_RID}-{booked.key.lower()}"


async def test_a_guest_of_an_earlier_rid_stays_the_reservations_guest(world: World) -> None:
    actions = GuestActions(world.sandbox.store, int(world.restaurant.rid))
    guest = actions.add("Ada", "Lovelace")
    world.actions.create(START_TIME + timedelta(days=1), 2, guest_key=guest.key)
    await world.poll()
    await change_rid(world)
    world.clock.advance(60)
    actions.rename(guest.key, "Ada", "King")
    with renumbered(world):
        await world.poll()
    (document,) = (await world.ledger_documents()).values()
    assert document["dinerName"] == "Ada King"


async def test_a_plan_of_an_earlier_rid_is_not_executed(world: World) -> None:
    _, held = await hold_plan_with_missing(world)
    await change_rid(world)
    with pytest.raises(PlanNotExecutableError, match="changed after this report"):
        await execute_plan(world, held)
    documents = await world.ledger_documents()
    assert not any(each["reconciliation"]["divergenceDetected"] for each in documents.values())
