"""Firestore fails at any one call of any source: the change is in, or it is not acknowledged."""

import asyncio
import itertools

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from tests.channels.channels import (
    EnvelopeWebhookChannel,
    LedgerChannel,
    SampleEvent,
    complete_event,
)
from tests.channels.faults import CallFailure, fail_firestore_call, use_firestore
from tests.channels.manual_channels import CHANNELS, StaffChannel
from tests.support.firestore import FirestoreSpy
from tests.support.world import World

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
@pytest.mark.parametrize("channel_type", CHANNELS)
async def test_any_failed_call_leaves_the_event_applied_or_unacknowledged(
    channel_type: type[LedgerChannel], trouble: str, world: World
) -> None:
    error, lost = FAILURES[trouble]
    channel = channel_type(world)
    for at in itertools.count():
        event = complete_event(at + 1, partySize=at + 1)
        await channel.prepare(event)
        mishap = CallFailure(error, at, lose_response=lost)
        with fail_firestore_call(world, mishap):
            acknowledged = await channel.attempt(event)
        if not acknowledged:
            world.clock.advance(_LEASE_SECONDS)
            assert await channel.attempt(event), f"call {at} left something behind"
        await assert_applied_once(channel, event)
        if not mishap.happened:
            break
    assert at > 1


async def assert_applied_once(channel: LedgerChannel, event: SampleEvent) -> None:
    """Assert that an event is visible and has one journal entry."""
    shown, entries = await channel.document(), await channel.journal()
    if isinstance(channel, StaffChannel):
        assert shown["status"] == "CANCELLED"
        assert len(entries) == 1
        return
    assert shown["partySize"] == event.version
    parties = [
        entry["fields"]["partySize"] for entry in entries.values() if "partySize" in entry["fields"]
    ]
    assert sorted(parties) == list(range(1, event.version + 1))


async def test_a_commit_without_response_ends_at_the_webhook_deadline(world: World) -> None:
    calm, spy = world.context, FirestoreSpy(world.context.firestore)
    environment = replace(calm.environment, webhook_deadline_seconds=0.5)
    world.context = replace(calm, environment=environment)
    spy.before_commit.append(asyncio.Event().wait)
    channel, event = EnvelopeWebhookChannel(world), complete_event(1, partySize=1)
    with use_firestore(world, spy.client):
        assert not await channel.attempt(event)
    world.context = calm
    assert await channel.attempt(event)
    await assert_applied_once(channel, event)
