"""Many workers at once on one reservation: nothing is lost and the end is the fold."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterable

import pytest
from google.cloud.firestore import AsyncClient

from shared.core.change import ReservationEvent
from shared.core.settings import IntegrationSettings
from shared.edge.batches import apply_events
from shared.edge.ledger import ApplyResult, Ledger
from shared.errors import ServiceUnavailableError
from tests.ledgers import new_ledger
from tests.page import Page
from tests.statements import relayed, shown

STATES = ("Confirmed", "Seated", "Cancelled", "NotConfirmed", "Done")


@pytest.fixture
async def two(firestore: AsyncClient, settings: IntegrationSettings) -> AsyncIterator[list[Ledger]]:
    clients = [AsyncClient(project=firestore.project) for _ in range(2)]
    yield [new_ledger(client, settings) for client in clients]
    for client in clients:
        await client._firestore_api.transport.close()


def story() -> list[ReservationEvent]:
    """Return a creation, patches and objects of one reservation, shuffled, each twice."""
    told = [relayed(), relayed("cancelled", 9)]
    told += [relayed("updated", minute, partySize=minute + 1) for minute in range(1, 6)]
    told += [
        shown(number, state=state, party_size=number) for number, state in enumerate(STATES, 1)
    ]
    twice = told * 2
    random.Random(7).shuffle(twice)  # noqa: S311 -- repeatable
    return twice


async def persist(ledger: Ledger, change: ReservationEvent) -> ApplyResult:
    """Apply as a sender does who tries again on 503."""
    for _ in range(5):
        try:
            return await ledger.apply(change)
        except ServiceUnavailableError:
            continue
    return await ledger.apply(change)


def told(changes: Iterable[ReservationEvent]) -> set[str]:
    return {change.event_id for change in changes}


async def test_two_workers_end_at_the_fold_of_a_whole_journal(
    two: list[Ledger], page: Page
) -> None:
    changes = story()
    workers = zip(itertools.cycle(two), changes, strict=False)
    await asyncio.gather(*(persist(ledger, change) for ledger, change in workers))
    assert set(await page.journal()) == told(changes)
    assert await page.astray() == {}


async def test_each_event_is_news_to_one_worker_alone(two: list[Ledger]) -> None:
    changes = story()
    workers = zip(itertools.cycle(two), changes, strict=False)
    applied = await asyncio.gather(*(persist(ledger, change) for ledger, change in workers))
    news = [one for one in applied if one.outcome != "duplicate"]
    assert len(news) == len(told(changes))


async def test_a_poll_and_a_webhook_on_one_reservation_end_at_the_fold(
    two: list[Ledger], page: Page
) -> None:
    changes = story()
    webhook, poll = two
    await asyncio.gather(
        apply_events(poll, changes), *(persist(webhook, change) for change in reversed(changes))
    )
    assert set(await page.journal()) == told(changes)
    assert await page.astray() == {}
