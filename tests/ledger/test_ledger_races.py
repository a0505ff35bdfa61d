"""Concurrent writers of one reservation lose no event and agree with its journal."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterable

import pytest

from dev.local.emulator import Emulator
from shared.domain.ledger.events import ReservationEvent
from shared.domain.settings import IntegrationSettings
from shared.errors import ServiceUnavailableError
from shared.ledger.ledger import ApplyResult, Ledger, apply_events
from tests.support.events import envelope_event, row_event
from tests.support.firestore import make_client, open_connection
from tests.support.ledger import StoredLedger, new_test_ledger

STATES = ("Confirmed", "Seated", "Cancelled", "NotConfirmed", "Done")


@pytest.fixture
async def two_ledgers(
    emulator: Emulator, project: str, restaurant_settings: IntegrationSettings
) -> AsyncIterator[list[Ledger]]:
    async with open_connection(emulator.host) as first, open_connection(emulator.host) as second:
        clients = [make_client(project, api) for api in (first, second)]
        yield [new_test_ledger(client, restaurant_settings) for client in clients]


def shuffled_events() -> list[ReservationEvent]:
    """Return envelopes and rows of one reservation, each twice, shuffled."""
    events = [envelope_event(), envelope_event("cancelled", 9)]
    events += [envelope_event("updated", minute, partySize=minute + 1) for minute in range(1, 6)]
    events += [
        row_event(number, state=state, party_size=number) for number, state in enumerate(STATES, 1)
    ]
    twice = events * 2
    random.Random(7).shuffle(twice)
    return twice


async def apply_with_retries(ledger: Ledger, change: ReservationEvent) -> ApplyResult:
    """Apply an event, and again after a 503 as a sender does."""
    for _ in range(5):
        try:
            return await ledger.apply(change)
        except ServiceUnavailableError:
            continue
    return await ledger.apply(change)


def event_ids(changes: Iterable[ReservationEvent]) -> set[str]:
    return {change.event_id for change in changes}


async def test_two_workers_end_with_the_document_rebuilt_from_the_journal(
    two_ledgers: list[Ledger], stored_ledger: StoredLedger
) -> None:
    changes = shuffled_events()
    workers = zip(itertools.cycle(two_ledgers), changes, strict=False)
    await asyncio.gather(*(apply_with_retries(ledger, change) for ledger, change in workers))
    assert set(await stored_ledger.journal()) == event_ids(changes)
    assert await stored_ledger.diff_from_journal() == {}


async def test_each_event_is_new_to_exactly_one_worker(two_ledgers: list[Ledger]) -> None:
    changes = shuffled_events()
    workers = zip(itertools.cycle(two_ledgers), changes, strict=False)
    applied = await asyncio.gather(
        *(apply_with_retries(ledger, change) for ledger, change in workers)
    )
    new = [one for one in applied if one.outcome != "duplicate"]
    assert len(new) == len(event_ids(changes))


async def test_a_concurrent_poll_and_webhook_end_with_the_document_rebuilt_from_the_journal(
    two_ledgers: list[Ledger], stored_ledger: StoredLedger
) -> None:
    changes = shuffled_events()
    webhook, poll = two_ledgers
    await asyncio.gather(
        apply_events(poll, changes),
        *(apply_with_retries(webhook, change) for change in reversed(changes)),
    )
    assert set(await stored_ledger.journal()) == event_ids(changes)
    assert await stored_ledger.diff_from_journal() == {}
