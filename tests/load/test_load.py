"""Sustained load on the real process while it is killed, and its line to Firestore cut."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import httpx
import pytest
from google.cloud.firestore import AsyncClient

from dev.emulator import Emulator
from tests.load.book import Spoken, spoken
from tests.load.killable import Killable
from tests.load.line import CuttableLine
from tests.load.redelivery import Redelivery
from tests.page import Page
from tests.restaurants import Restaurant, keep_secret, new_restaurant, seed

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
RESERVATIONS, DISTURBANCES, SECONDS = (3_000, 40, 3_600) if SOAK else (18, 2, 120)
ANSWER_SECONDS = 15


@pytest.fixture
def restaurant() -> Restaurant:
    return new_restaurant()


@pytest.fixture
async def page(firestore: AsyncClient, restaurant: Restaurant, tmp_path: Path) -> Page:
    await seed(firestore, restaurant, webhookAuth=["bearer"])
    keep_secret(tmp_path / "secrets.json", restaurant.secret, {"bearerTokens": ["proof"]})
    return Page(firestore, restaurant.settings())


@pytest.fixture
async def line(emulator: Emulator) -> AsyncIterator[CuttableLine]:
    async with CuttableLine(emulator.host).open() as opened:
        yield opened


@pytest.fixture
async def webhook(page: Page, line: CuttableLine, tmp_path: Path) -> AsyncIterator[Killable]:
    killable = Killable(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT=page.client.project,
        FIRESTORE_EMULATOR_HOST=line.host,
        SECRETS_FILE=str(tmp_path / "secrets.json"),
        HINT_BUDGET_SECONDS="0",
    )
    await asyncio.to_thread(killable.start)
    yield killable
    await asyncio.to_thread(killable.stop)


@pytest.fixture
async def sender(webhook: Killable) -> AsyncIterator[Redelivery]:
    headers = {"authorization": "Bearer proof", "content-type": "application/json"}
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS, headers=headers) as http:
        yield Redelivery(lambda body: http.post(webhook.url, content=body))


async def test_kill_9_of_the_process_loses_nothing_and_doubles_nothing(
    sender: Redelivery, webhook: Killable, page: Page, restaurant: Restaurant
) -> None:
    async def kill() -> None:
        await asyncio.to_thread(webhook.kill)

    await _assert_survives(kill, sender, page, restaurant)


async def test_a_cut_line_to_firestore_loses_nothing_and_doubles_nothing(
    sender: Redelivery, line: CuttableLine, page: Page, restaurant: Restaurant
) -> None:
    async def cut() -> None:
        line.cut()
        await sender.reached(failed=sender.failed + 10)
        line.mend()

    await _assert_survives(cut, sender, page, restaurant)
    assert line.cuts


async def _assert_survives(
    disturb: Callable[[], Awaitable[None]], sender: Redelivery, page: Page, restaurant: Restaurant
) -> None:
    """Send everything in any order, disturbed again and again; look at every reservation."""
    everything = list(spoken(restaurant, RESERVATIONS))
    bodies = [body for each in everything for body in each.bodies.values()]
    Random(5).shuffle(bodies)  # noqa: S311 -- an order, not a secret
    sender.waiting = deque(bodies)
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(sender.run(), _disturb_often(disturb, sender, len(bodies)))
    assert (sender.odd, await page.quarantined()) == ([], [])
    assert sender.failed > 0
    for each in everything:
        await _assert_whole(each, page)


async def _disturb_often(
    disturb: Callable[[], Awaitable[None]], sender: Redelivery, bodies: int
) -> None:
    for number in range(1, DISTURBANCES + 1):
        await sender.reached(acknowledged=bodies * number // (DISTURBANCES + 1))
        await disturb()


async def _assert_whole(each: Spoken, page: Page) -> None:
    journal = await page.journal(each.key)
    assert journal.keys() == each.bodies.keys()
    assert (await page.document(each.key))["partySize"] == each.party_size
    assert await page.astray(each.key) == {}
