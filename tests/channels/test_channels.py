"""Every channel passes the same tests."""

import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from sandbox.sync_rows import RenderContext, build_webhook_row
from shared.firestore.raw_client import FirestoreClient
from tests.channels.channels import LedgerChannel, complete_event, partial_event
from tests.channels.manual_channels import CHANNELS
from tests.support.world import NEW_YORK, START_TIME, World, make_world


@pytest.fixture(params=CHANNELS, ids=lambda each: each.__name__)
async def channel(
    request: pytest.FixtureRequest, firestore: FirestoreClient
) -> AsyncIterator[LedgerChannel]:
    name = request.node.originalname
    if name in request.param.not_applicable:
        pytest.skip(f"{request.param.__name__}: {request.param.not_applicable[name]}")
    world = await make_world(firestore)
    yield request.param(world)
    world.executor.shutdown()


def test_every_not_applicable_entry_names_an_existing_test() -> None:
    named = {name for each in CHANNELS for name in each.not_applicable}
    assert all(hasattr(sys.modules[__name__], name) for name in named)


async def test_an_older_event_never_overwrites_a_newer_one(channel: LedgerChannel) -> None:
    await channel.deliver(complete_event(3, partySize=6))
    await channel.deliver(complete_event(2, partySize=2))
    assert (await channel.document())["partySize"] == 6


async def test_a_partial_body_keeps_the_other_fields(channel: LedgerChannel) -> None:
    await channel.deliver(complete_event(2, partySize=6))
    await channel.deliver(partial_event(3, partySize=7))
    document = await channel.document()
    shown = (document["partySize"], document["status"], document["startAt"])
    assert shown == (7, "CONFIRMED", "2026-03-14T23:15:00Z")


async def test_a_duplicate_changes_nothing_and_is_journaled_once(channel: LedgerChannel) -> None:
    await channel.deliver(complete_event(2, partySize=6))
    before = await channel.document(), await channel.journal()
    await channel.deliver(complete_event(2, partySize=6))
    assert (await channel.document(), await channel.journal()) == before
    assert await channel.rejections() == []


async def test_a_repeated_event_id_with_different_content_is_rejected_with_a_reason(
    channel: LedgerChannel,
) -> None:
    await channel.deliver(complete_event(2, partySize=6))
    before = await channel.document()
    await channel.deliver(complete_event(2, partySize=7))
    (reason,) = await channel.rejections()
    assert reason in {"conflicting_event", "conflicting_version"}
    shown = {"status", "partySize", "startAt", "updatedAt"} & before.keys()
    after = await channel.document()
    assert {name: after[name] for name in shown} == {name: before[name] for name in shown}


async def test_an_unknown_state_is_stored_as_text_and_does_not_change_the_status(
    channel: LedgerChannel,
) -> None:
    await channel.deliver(complete_event(2, status="Confirmed"))
    await channel.deliver(complete_event(3, status="Levitating"))
    document = await channel.document()
    assert (document["status"], document["source"]["state"]) == ("CONFIRMED", "Levitating")


async def test_a_late_older_event_does_not_undo_a_cancellation(channel: LedgerChannel) -> None:
    await channel.deliver(complete_event(1))
    await channel.deliver(complete_event(3, status="Cancelled"))
    await channel.deliver(complete_event(2, status="Confirmed"))
    assert (await channel.document())["status"] == "CANCELLED"


async def test_a_newer_event_restores_a_cancelled_reservation(channel: LedgerChannel) -> None:
    await channel.deliver(complete_event(1))
    await channel.deliver(complete_event(2, status="Cancelled"))
    await channel.deliver(complete_event(3, status="Confirmed"))
    assert (await channel.document())["status"] == "CONFIRMED"


async def test_unknown_fields_are_ignored(channel: LedgerChannel) -> None:
    await channel.deliver(complete_event(2, partySize=6, fieldFromNextYear={"nested": [1]}))
    document = await channel.document()
    assert document["partySize"] == 6
    assert "fieldFromNextYear" not in str({**document, "sync": None})


def _of_one_reservation(everything: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {path: document for path, document in everything.items() if "/reservations/" in path}


@pytest.mark.parametrize("unprefixed", [False, True])
async def test_webhook_poll_and_reconciliation_give_one_document_and_one_event(
    world: World, *, unprefixed: bool
) -> None:
    booked = world.actions.create(START_TIME + timedelta(days=2), 2, request="Stroller")
    view = RenderContext("gold", NEW_YORK, "https://api.opentable.com")
    await world.ingest_row(build_webhook_row(booked, view, zoneless=True, unprefixed=unprefixed))
    after_webhook = _of_one_reservation(await world.all_documents())
    assert len(after_webhook) == 2

    polled = await world.poll()
    report = await world.reconcile()

    assert (polled["fetched"], polled["unchanged"]) == (1, 1)
    assert (report["comparedCount"], report["unchangedCount"]) == (1, 1)
    assert _of_one_reservation(await world.all_documents()) == after_webhook
