"""What every source of changes must pass."""

import sys
from collections.abc import AsyncIterator

import pytest
from google.cloud.firestore import AsyncClient

from tests.behaviour.by_hand import ReplayedEnvelope, ReplayedObject, Staff
from tests.behaviour.sources import (
    EnvelopeWebhook,
    ObjectWebhook,
    Poll,
    Reconciliation,
    Source,
)
from tests.behaviour.telling import tell, tell_only
from tests.world import make_world

SOURCES: list[type[Source]] = [
    EnvelopeWebhook,
    ObjectWebhook,
    Poll,
    Reconciliation,
    ReplayedEnvelope,
    ReplayedObject,
    Staff,
]


@pytest.fixture(params=SOURCES, ids=lambda each: each.__name__)
async def source(request: pytest.FixtureRequest, firestore: AsyncClient) -> AsyncIterator[Source]:
    name = request.node.originalname
    if name in request.param.cannot:
        pytest.skip(f"{request.param.__name__}: {request.param.cannot[name]}")
    world = await make_world(firestore)
    yield request.param(world)
    world.executor.shutdown()


def test_what_cannot_apply_is_named_after_a_test_that_there_is() -> None:
    named = {name for each in SOURCES for name in each.cannot}
    assert all(hasattr(sys.modules[__name__], name) for name in named)


async def test_old_never_overwrites_new(source: Source) -> None:
    await source.say(tell(3, partySize=6))
    await source.say(tell(2, partySize=2))
    assert (await source.document())["partySize"] == 6


async def test_a_partial_body_leaves_the_rest_as_it_was(source: Source) -> None:
    await source.say(tell(2, partySize=6))
    await source.say(tell_only(3, partySize=7))
    document = await source.document()
    shown = (document["partySize"], document["status"], document["startAt"])
    assert shown == (7, "CONFIRMED", "2026-03-14T23:15:00Z")


async def test_a_duplicate_changes_nothing_and_is_journaled_once(source: Source) -> None:
    await source.say(tell(2, partySize=6))
    before = await source.document(), await source.journal()
    await source.say(tell(2, partySize=6))
    assert (await source.document(), await source.journal()) == before
    assert await source.refusals() == []


async def test_one_id_that_says_something_else_is_refused_by_name(source: Source) -> None:
    await source.say(tell(2, partySize=6))
    before = await source.document()
    await source.say(tell(2, partySize=7))
    (reason,) = await source.refusals()
    assert reason in {"conflicting_event", "conflicting_version"}
    shown = {"status", "partySize", "startAt", "updatedAt"} & before.keys()
    after = await source.document()
    assert {name: after[name] for name in shown} == {name: before[name] for name in shown}


async def test_an_unknown_state_is_kept_as_a_word_and_changes_no_status(source: Source) -> None:
    await source.say(tell(2, status="Confirmed"))
    await source.say(tell(3, status="Levitating"))
    document = await source.document()
    assert (document["status"], document["source"]["state"]) == ("CONFIRMED", "Levitating")


async def test_cancelled_stays_cancelled_when_an_older_event_comes_late(source: Source) -> None:
    await source.say(tell(1))
    await source.say(tell(3, status="Cancelled"))
    await source.say(tell(2, status="Confirmed"))
    assert (await source.document())["status"] == "CANCELLED"


async def test_a_newer_event_revives_what_was_cancelled(source: Source) -> None:
    await source.say(tell(1))
    await source.say(tell(2, status="Cancelled"))
    await source.say(tell(3, status="Confirmed"))
    assert (await source.document())["status"] == "CONFIRMED"


async def test_unknown_fields_are_ignored(source: Source) -> None:
    await source.say(tell(2, partySize=6, fieldFromNextYear={"nested": [1]}))
    document = await source.document()
    assert document["partySize"] == 6
    assert "fieldFromNextYear" not in str({**document, "sync": None})
