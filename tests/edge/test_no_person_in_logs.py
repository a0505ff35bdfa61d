"""No line of the log ever holds a person, a token or a secret, whichever path wrote it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from google.cloud.firestore import AsyncClient

from dev.sandbox.faults import Kind
from dev.sandbox.guestbook import Guestbook
from shared.edge import paths
from tests.statements import row
from tests.world import BEGINNING, World, make_world

SOON = BEGINNING + timedelta(days=2)
MARK = "Zzmarked"
PHONE = "2125550147"
MARKS = (MARK.lower(), PHONE, "hush", "proof", "bearer ")


@pytest.fixture
async def world(firestore: AsyncClient) -> AsyncIterator[World]:
    made = await make_world(firestore)
    yield made
    made.executor.shutdown()


async def _book_and_tell(world: World) -> str:
    """Have a marked diner on both sides, by every way in; return the guest's key."""
    guests = Guestbook(world.sandbox.book, int(world.restaurant.rid))
    guest = guests.add(MARK, MARK, f"{MARK}@example.com", PHONE)
    booked = world.desk.book(SOON, 2, guest_key=guest.key, request=f"{MARK} is allergic")
    await world.poll()
    await world.hear_relay(
        "updated", reservationId=booked.key, dinerName=MARK, dinerEmail=f"{MARK}@example.com"
    )
    await world.hear_relay("created", reservationId=f"{MARK} / {MARK}", dinerName=MARK)
    await world.take_in(row(3, rid=int(world.restaurant.rid), guest_request=[MARK]))
    odd = world.desk.book(SOON, 2, guest_key=guest.key, request=MARK)
    world.sandbox.book.change(odd.rid, odd.key, lambda held: replace(held, party_size=0))
    return guest.key


async def _reconcile_all_ways(world: World) -> None:
    """Correct, repair, flag and fail, and read settings that cannot be used."""
    await world.take_in(row(5, id=f"{world.restaurant.rid}-lost", rid=int(world.restaurant.rid)))
    await world.reconcile()
    world.sandbox.faults.fail(Kind.STATUS, status=403, times=1)
    await world.reconcile()
    integration = paths.integration(world.services.firestore, world.restaurant.id)
    await integration.update({"timeZone": MARK})
    await world.poll()
    await integration.update({"timeZone": "America/New_York"})


async def test_every_path_of_poll_reconciliation_intake_and_erasure_logs_nobody(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    guest_key = await _book_and_tell(world)
    await world.poll()
    await _reconcile_all_ways(world)
    Guestbook(world.sandbox.book, int(world.restaurant.rid)).forget(guest_key)
    world.clock.advance(60)
    await world.poll()
    written = "".join(capfd.readouterr()).lower()
    assert '"event": "guest.erased"' in written
    assert '"event": "reconciliation.divergence"' in written
    assert [mark for mark in MARKS if mark in written] == []
