"""A flood of unauthenticated webhooks neither keeps genuine ones out nor finds restaurants."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dev.benchmarks.flood import FLOOD_KINDS, FLOOD_RATE, FloodResult, send_flood
from dev.local.emulator import Emulator
from shared.firestore import paths
from shared.restaurants.directory import MAX_UNKNOWN_LOOKUPS_PER_MINUTE
from tests.support.processes import ServedFunction, serve_deployed_function
from tests.support.webhooks import WebhookSender, sign_webhook

CreateSender = Callable[..., Awaitable[WebhookSender]]
pytestmark = pytest.mark.slow

TOKEN = {"authorization": "Bearer own-token"}
FORGED = {"authorization": "Bearer guess"}
SECONDS = 4


@pytest.fixture(scope="module")
def flooded_webhook(
    emulator: Emulator, webhook_project: str, secrets_file: Path
) -> Iterator[ServedFunction]:
    """A process that has looked up as many unknown restaurants as it may in this minute."""
    with serve_deployed_function(
        "opentable_webhook",
        GOOGLE_CLOUD_PROJECT=webhook_project,
        FIRESTORE_EMULATOR_HOST=emulator.host,
        SECRETS_FILE=str(secrets_file),
    ) as started:
        yield started


@pytest.fixture
async def senders(
    create_sender: CreateSender, flooded_webhook: ServedFunction
) -> list[WebhookSender]:
    """Senders of restaurants that the process does not know, after the budget is spent."""
    created = [await create_sender({"bearerTokens": ["own-token"]}) for _ in range(5)]
    senders = [replace(sender, url=flooded_webhook.url) for sender in created]
    await flood(
        senders[0], ["invented restaurant"], MAX_UNKNOWN_LOOKUPS_PER_MINUTE / FLOOD_RATE + 1
    )
    return senders


async def flood(sender: WebhookSender, kinds: list[str], seconds: float) -> FloodResult:
    port = int(sender.url.rstrip("/").rpartition(":")[2])
    return await send_flood(port, [sender.restaurant.id], kinds, FLOOD_RATE, seconds)


async def send_genuine(sender: WebhookSender, numbers: range) -> list[int]:
    """Send signed events and events with a token in turn; return the statuses."""
    statuses = []
    for number in numbers:
        raw = json.dumps(sender.envelope() | {"id": f"genuine-{number}"}).encode()
        headers = TOKEN if number % 2 else sign_webhook(sender.key, raw)
        statuses.append((await sender.post(raw, headers)).status_code)
    return statuses


async def test_genuine_webhooks_are_accepted_during_a_flood(senders: list[WebhookSender]) -> None:
    task = asyncio.create_task(flood(senders[0], list(FLOOD_KINDS), SECONDS))
    numbers, statuses = iter(range(0, 10**6, 2)), list[int]()
    while not task.done():
        start = next(numbers)
        each = (send_genuine(sender, range(start, start + 2)) for sender in senders)
        statuses += [status for answers in await asyncio.gather(*each) for status in answers]
    assert set(statuses) == {200}
    result = await task
    assert result.count("unauthenticated", "unavailable", "connection closed") == (
        result.statuses.total()
    )


async def test_with_the_budget_spent_an_existing_restaurant_answers_like_an_invented_one(
    senders: list[WebhookSender],
) -> None:
    sender = senders[0]
    existing = await sender.post(sender.envelope(), FORGED)
    invented = await sender.post(sender.envelope(restaurantId="invented"), FORGED)
    assert (existing.status_code, existing.content) == (invented.status_code, invented.content)
    assert existing.status_code == 401


async def test_a_flood_writes_few_log_lines(
    senders: list[WebhookSender], flooded_webhook: ServedFunction
) -> None:
    before = len(flooded_webhook.output.lines)
    result = await flood(senders[0], ["forged signature", "guessed token"], SECONDS)
    lines = flooded_webhook.output.lines[before:]
    assert result.count("unauthenticated") == result.statuses.total() == FLOOD_RATE * SECONDS
    assert 0 < sum("webhook.unauthenticated" in line for line in lines) < 10


async def test_a_flood_stores_counts_of_existing_restaurants_only(
    senders: list[WebhookSender],
) -> None:
    sender = senders[0]
    client = sender.stored_ledger.client
    await flood(sender, ["invented restaurant", "guessed token"], 1)
    snapshot = await paths.webhook_refusals_document(client, sender.restaurant.id).get()
    assert {item["reason"] for item in snapshot.get("refusals")} == {"no_credential_matches"}
    ids = [document.id async for document in client.collection("restaurants").list_documents()]
    assert not [id_ for id_ in ids if id_.startswith("invented")]
