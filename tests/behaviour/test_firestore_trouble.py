"""Firestore fails at any one call of any source: the change is in, or it is not acknowledged."""

import asyncio
import itertools
from typing import Any

import pytest
from google.api_core import exceptions as google
from msgspec import structs
from msgspec.structs import replace

from shared.edge import paths
from shared.edge.directory import RestaurantDirectory
from shared.edge.opentable.clock import SYSTEM_CLOCK
from tests.behaviour import attempts
from tests.behaviour.attempts import Prepare
from tests.behaviour.mishap import Mishap, befalling
from tests.behaviour.telling import RESERVATION, Telling, tell
from tests.wire import Wire
from tests.world import World

SOURCES: list[Prepare] = [
    attempts.envelope_webhook,
    attempts.object_webhook,
    attempts.poll,
    attempts.reconciliation,
    attempts.replayed_envelope,
    attempts.replayed_object,
    attempts.staff,
]
TROUBLES = {
    "unavailable": (google.ServiceUnavailable, False),
    "aborted": (google.Aborted, False),
    "exhausted": (google.ResourceExhausted, False),
    "too_slow": (google.DeadlineExceeded, False),
    "answer_lost": (google.ServiceUnavailable, True),
}
# Longer than the lease of a run that could not give it back.
_LEASE_SECONDS = 541


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.edge.ledger._MAX_PAUSE_SECONDS", 0.0)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("source", SOURCES, ids=lambda each: each.__name__)
async def test_whatever_call_fails_the_change_is_in_or_was_not_acknowledged(
    source: Prepare, trouble: str, world: World
) -> None:
    error, lost = TROUBLES[trouble]
    for at in itertools.count():
        telling = tell(at + 1, partySize=at + 1)
        attempt = await source(world, telling)
        mishap = Mishap(error, at, lost=lost)
        with befalling(world, mishap):
            acknowledged = await attempt()
        if not acknowledged:
            world.clock.advance(_LEASE_SECONDS)
            assert await attempt(), f"call {at} left something behind"
        await assert_in_once(world, source, telling)
        if not mishap.happened:
            break
    assert at > 1


async def assert_in_once(world: World, source: Prepare, telling: Telling) -> None:
    """See a telling shown, and journaled in one entry."""
    reservations = paths.reservations_collection(world.services.firestore, world.restaurant.id)
    if source is attempts.staff:
        document = reservations.document(f"own-{telling.version}")
        assert ((await document.get()).to_dict() or {})["status"] == "CANCELLED"
        assert len([entry async for entry in paths.journal_collection(document).stream()]) == 1
        return
    document = reservations.document(f"opentable-{RESERVATION}")
    shown = (await document.get()).to_dict() or {}
    assert shown["partySize"] == telling.version
    said = [entry.get("said") async for entry in paths.journal_collection(document).stream()]
    parties = [each["partySize"] for each in said if "partySize" in each]
    assert sorted(parties) == list(range(1, telling.version + 1))


async def test_a_commit_that_never_answers_ends_with_the_webhooks_one_deadline(
    world: World,
) -> None:
    wire, calm = Wire(world.services.firestore), world.services
    directory = RestaurantDirectory(
        wire.client, calm.directory._credential_cache, None, SYSTEM_CLOCK.monotonic
    )
    environment = structs.replace(calm.environment, webhook_deadline_seconds=0.5)
    changes: dict[str, Any] = {"directory": directory, "environment": environment}
    world.services = replace(calm, firestore=wire.client, **changes)
    wire.before.append(asyncio.Event().wait)
    attempt = await attempts.envelope_webhook(world, tell(1, partySize=1))
    assert not await attempt()
    world.services = calm
    assert await attempt()
    await assert_in_once(world, attempts.envelope_webhook, tell(1))
