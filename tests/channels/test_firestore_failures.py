"""Firestore fails at any one call of any source: the change is in, or it is not acknowledged."""

import asyncio
import itertools
from typing import Any

import pytest
from google.api_core import exceptions as google
from msgspec import structs
from msgspec.structs import replace

from shared.concurrency import SYSTEM_CLOCK
from shared.firestore import paths
from shared.restaurants.directory import RestaurantDirectory
from tests.channels import attempts
from tests.channels.attempts import PrepareDelivery
from tests.channels.channels import RESERVATION_KEY, SampleEvent, complete_event
from tests.channels.faults import CallFailure, fail_firestore_call
from tests.support.firestore import FirestoreSpy
from tests.support.world import World

PREPARE_FUNCTIONS: list[PrepareDelivery] = [
    attempts.prepare_envelope_webhook,
    attempts.prepare_row_webhook,
    attempts.prepare_poll,
    attempts.prepare_reconciliation,
    attempts.prepare_envelope_replay,
    attempts.prepare_row_replay,
    attempts.prepare_staff_cancellation,
]
FAILURES = {
    "unavailable": (google.ServiceUnavailable, False),
    "aborted": (google.Aborted, False),
    "exhausted": (google.ResourceExhausted, False),
    "too_slow": (google.DeadlineExceeded, False),
    "answer_lost": (google.ServiceUnavailable, True),
}
# Longer than the lease of a run that failed to end it.
_LEASE_SECONDS = 541
pytestmark = pytest.mark.usefixtures("no_commit_retry_pauses")


@pytest.mark.parametrize("trouble", FAILURES)
@pytest.mark.parametrize("source", PREPARE_FUNCTIONS, ids=lambda each: each.__name__)
async def test_any_failed_call_leaves_the_event_applied_or_unacknowledged(
    source: PrepareDelivery, trouble: str, world: World
) -> None:
    error, lost = FAILURES[trouble]
    for at in itertools.count():
        event = complete_event(at + 1, partySize=at + 1)
        attempt = await source(world, event)
        mishap = CallFailure(error, at, lose_response=lost)
        with fail_firestore_call(world, mishap):
            acknowledged = await attempt()
        if not acknowledged:
            world.clock.advance(_LEASE_SECONDS)
            assert await attempt(), f"call {at} left something behind"
        await assert_applied_once(world, source, event)
        if not mishap.happened:
            break
    assert at > 1


async def assert_applied_once(world: World, source: PrepareDelivery, event: SampleEvent) -> None:
    """Assert that an event is visible and has one journal entry."""
    reservations = world.reservations_collection
    if source is attempts.prepare_staff_cancellation:
        document = reservations.document(f"own-{event.version}")
        assert ((await document.get()).to_dict() or {})["status"] == "CANCELLED"
        assert len([entry async for entry in paths.journal_collection(document).stream()]) == 1
        return
    document = reservations.document(f"opentable-{RESERVATION_KEY}")
    shown = (await document.get()).to_dict() or {}
    assert shown["partySize"] == event.version
    fields = [entry.get("fields") async for entry in paths.journal_collection(document).stream()]
    parties = [each["partySize"] for each in fields if "partySize" in each]
    assert sorted(parties) == list(range(1, event.version + 1))


async def test_a_commit_without_response_ends_at_the_webhook_deadline(world: World) -> None:
    wire, calm = FirestoreSpy(world.context.firestore), world.context
    directory = RestaurantDirectory(
        wire.client, calm.directory._credential_cache, None, SYSTEM_CLOCK.monotonic
    )
    environment = structs.replace(calm.environment, webhook_deadline_seconds=0.5)
    changes: dict[str, Any] = {"directory": directory, "environment": environment}
    world.context = replace(calm, firestore=wire.client, **changes)
    wire.before_commit.append(asyncio.Event().wait)
    attempt = await attempts.prepare_envelope_webhook(world, complete_event(1, partySize=1))
    assert not await attempt()
    world.context = calm
    assert await attempt()
    await assert_applied_once(world, attempts.prepare_envelope_webhook, complete_event(1))
