"""A flood of unauthenticated webhooks neither keeps genuine ones out nor finds restaurants."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from dev.benchmarks.unauthenticated import FLOOD_KINDS, FLOOD_RATE, FloodResult, send_flood
from shared.firestore import paths
from shared.restaurants.directory import MAX_UNKNOWN_LOOKUPS_PER_MINUTE
from tests.support.processes import ServedFunction
from tests.support.webhooks import WebhookSender, sign_webhook

CreateSender = Callable[..., Awaitable[WebhookSender]]
pytestmark = pytest.mark.slow

TOKEN = {"authorization": "Bearer own-token"}
FORGED = {"authorization": "Bearer guess"}
SECONDS = 4


@pytest.fixture
async def unknown_senders(
    create_sender: CreateSender, other_webhook: ServedFunction
) -> list[WebhookSender]:
    """Senders of restaurants that the process does not know, after the budget is spent."""
    created = [await create_sender({"bearerTokens": ["own-token"]}) for _ in range(5)]
    unknown_senders = [replace(sender, url=other_webhook.url) for sender in created]
    await flood(
        unknown_senders[0], ["invented restaurant"], MAX_UNKNOWN_LOOKUPS_PER_MINUTE / FLOOD_RATE + 1
    )
    return unknown_senders


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


async def test_genuine_webhooks_are_accepted_during_a_flood(
    unknown_senders: list[WebhookSender],
) -> None:
    task = asyncio.create_task(flood(unknown_senders[0], list(FLOOD_KINDS), SECONDS))
    numbers, statuses = iter(range(0, 10**6, 2)), list[int]()
    while not task.done():
        start = next(numbers)
        each = (send_genuine(sender, range(start, start + 2)) for sender in unknown_senders)
        statuses += [status for answers in await asyncio.gather(*each) for status in answers]
    assert set(statuses) == {200}
    result = await task
    assert result.count("unauthenticated", "unavailable", "connection closed") == (
        result.statuses.total()
    )


async def test_with_the_budget_spent_an_existing_restaurant_answers_like_an_invented_one(
    unknown_senders: list[WebhookSender],
) -> None:
    sender = unknown_senders[0]
    existing = await sender.post(sender.envelope(), FORGED)
    invented = await sender.post(sender.envelope(restaurantId="invented"), FORGED)
    assert (existing.status_code, existing.content) == (invented.status_code, invented.content)
    assert existing.status_code == 401


async def test_a_flood_writes_few_log_lines(
    unknown_senders: list[WebhookSender], other_webhook: ServedFunction
) -> None:
    before = len(other_webhook.output.lines)
    result = await flood(unknown_senders[0], ["forged signature", "guessed token"], SECONDS)
    lines = other_webhook.output.lines[before:]
    assert result.count("unauthenticated") == result.statuses.total() == FLOOD_RATE * SECONDS
    assert 0 < sum("webhook.unauthenticated" in line for line in lines) < 10


async def test_a_flood_stores_counts_of_existing_restaurants_only(
    unknown_senders: list[WebhookSender],
) -> None:
    sender = unknown_senders[0]
    client = sender.stored_ledger.client
    await flood(sender, ["invented restaurant", "guessed token"], 1)
    snapshot = await paths.webhook_refusals_document(client, sender.restaurant.id).get()
    assert {item["reason"] for item in snapshot.get("refusals")} == {"no_credential_matches"}
    ids = [document.id async for document in client.collection("restaurants").list_documents()]
    assert not [id_ for id_ in ids if id_.startswith("invented")]
