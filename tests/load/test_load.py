"""Sustained load on the real process while it is killed, and its line to Firestore cut."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import httpx
import pytest

from dev.local.emulator import Emulator
from shared.firestore.raw_client import FirestoreClient
from tests.load.events import ReservationLoad, generate_load
from tests.load.faults import CuttableTcpProxy, KillableFunction
from tests.load.sender import RedeliveringSender
from tests.support.figures import CountFigure
from tests.support.ledger import StoredLedger
from tests.support.restaurants import Restaurant, new_restaurant, seed, write_secret

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
RESERVATIONS, DISTURBANCES, SECONDS = (3_000, 40, 3_600) if SOAK else (18, 2, 120)
ANSWER_SECONDS = 15


@pytest.fixture
def loaded_restaurant() -> Restaurant:
    return new_restaurant()


@pytest.fixture
async def load_ledger(
    firestore: FirestoreClient, loaded_restaurant: Restaurant, tmp_path: Path
) -> StoredLedger:
    await seed(firestore, loaded_restaurant, webhookAuth=["bearer"])
    write_secret(tmp_path / "secrets.json", loaded_restaurant.secret, {"bearerTokens": ["proof"]})
    return StoredLedger(firestore, loaded_restaurant.settings())


@pytest.fixture
async def firestore_proxy(emulator: Emulator) -> AsyncIterator[CuttableTcpProxy]:
    async with CuttableTcpProxy(emulator.host).open() as opened:
        yield opened


@pytest.fixture
async def killable_webhook(
    load_ledger: StoredLedger, firestore_proxy: CuttableTcpProxy, tmp_path: Path
) -> AsyncIterator[KillableFunction]:
    killable = KillableFunction(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT=load_ledger.client.project,
        FIRESTORE_EMULATOR_HOST=firestore_proxy.host,
        SECRETS_FILE=str(tmp_path / "secrets.json"),
        HINT_BUDGET_SECONDS="0",
    )
    await asyncio.to_thread(killable.start)
    yield killable
    await asyncio.to_thread(killable.stop)


@pytest.fixture
async def redelivering_sender(
    killable_webhook: KillableFunction,
) -> AsyncIterator[RedeliveringSender]:
    headers = {"authorization": "Bearer proof", "content-type": "application/json"}
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS, headers=headers) as http:
        yield RedeliveringSender(lambda body: http.post(killable_webhook.url, content=body))


async def test_killing_the_process_loses_and_duplicates_nothing(
    redelivering_sender: RedeliveringSender,
    killable_webhook: KillableFunction,
    load_ledger: StoredLedger,
    loaded_restaurant: Restaurant,
    count_figure: CountFigure,
) -> None:
    async def kill() -> None:
        await asyncio.to_thread(killable_webhook.kill)

    await _assert_survives(kill, redelivering_sender, load_ledger, loaded_restaurant)
    _count_load(count_figure, redelivering_sender, "kill -9 of the webhook's process")


async def test_cutting_the_firestore_connection_loses_and_duplicates_nothing(
    redelivering_sender: RedeliveringSender,
    firestore_proxy: CuttableTcpProxy,
    load_ledger: StoredLedger,
    loaded_restaurant: Restaurant,
    count_figure: CountFigure,
) -> None:
    async def cut() -> None:
        firestore_proxy.cut()
        await redelivering_sender.wait_until(failed=redelivering_sender.failed + 10)
        firestore_proxy.restore()

    await _assert_survives(cut, redelivering_sender, load_ledger, loaded_restaurant)
    assert firestore_proxy.cuts
    _count_load(count_figure, redelivering_sender, "loss of the connection to Firestore")


def _count_load(
    count_figure: CountFigure, redelivering_sender: RedeliveringSender, disturbance: str
) -> None:
    count_figure(f"load: {disturbance}", DISTURBANCES)
    count_figure("load: reservations compared with their journal", RESERVATIONS)
    count_figure(
        "load: webhooks acknowledged, repeated ones included", redelivering_sender.acknowledged
    )
    count_figure("load: attempts that failed and were sent again", redelivering_sender.failed)


async def _assert_survives(
    disturb: Callable[[], Awaitable[None]],
    redelivering_sender: RedeliveringSender,
    page: StoredLedger,
    restaurant: Restaurant,
) -> None:
    """Send everything in any order, disturbed again and again; look at every reservation."""
    everything = list(generate_load(restaurant, RESERVATIONS))
    bodies = [body for each in everything for body in each.bodies.values()]
    Random(5).shuffle(bodies)
    redelivering_sender.waiting = deque(bodies)
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(
            redelivering_sender.run(), _disturb_often(disturb, redelivering_sender, len(bodies))
        )
    assert (redelivering_sender.unexpected_statuses, await page.quarantine_items()) == ([], [])
    assert redelivering_sender.failed > 0
    for each in everything:
        await _assert_complete(each, page)


async def _disturb_often(
    disturb: Callable[[], Awaitable[None]], redelivering_sender: RedeliveringSender, bodies: int
) -> None:
    for number in range(1, DISTURBANCES + 1):
        await redelivering_sender.wait_until(acknowledged=bodies * number // (DISTURBANCES + 1))
        await disturb()


async def _assert_complete(each: ReservationLoad, page: StoredLedger) -> None:
    journal = await page.journal(each.key)
    assert journal.keys() == each.bodies.keys()
    assert (await page.document(each.key))["partySize"] == each.party_size
    assert await page.diff_from_journal(each.key) == {}
