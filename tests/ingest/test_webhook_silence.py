import asyncio
import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from shared.domain.health import MissedWebhooks
from shared.ingest.deliveries import update_webhook_silence
from tests.support.world import START_TIME, World

SOON = START_TIME + timedelta(days=2)
CapturedOutput = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
async def _polled_reservation(world: World) -> None:
    world.actions.create(SOON, 2)
    await world.poll()


async def stored_silent_since(world: World) -> datetime | None:
    poll: dict[str, Any] = (await world.integration_document.get()).get("poll")
    return poll.get("webhooksSilentSince")


async def expect_no_webhooks(world: World) -> None:
    await world.change_settings(webhookAuth=[])


async def miss_one_change(world: World) -> None:
    """Change a reservation without a webhook, and wait until the retries would have ended."""
    world.actions.create(SOON, 3)
    world.clock.advance(900)


async def poll_with_missed_changes(world: World, count: int) -> None:
    for _ in range(count):
        await miss_one_change(world)
        await world.poll()


def logged_events(capsys: CapturedOutput) -> list[str]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line["event"] for line in lines if line["event"].startswith("webhooks.")]


async def test_three_polls_with_missed_webhooks_are_a_silence_since_the_first_missed_change(
    world: World,
) -> None:
    await poll_with_missed_changes(world, 3)
    assert await stored_silent_since(world) == START_TIME


async def test_polls_and_reconciliations_count_together(world: World) -> None:
    await poll_with_missed_changes(world, 2)
    await miss_one_change(world)
    await world.reconcile()
    assert await stored_silent_since(world) == START_TIME


async def test_a_dry_run_records_nothing(world: World) -> None:
    await poll_with_missed_changes(world, 2)
    await miss_one_change(world)
    await world.reconcile(is_dry_run=True)
    assert await stored_silent_since(world) is None


async def test_the_first_webhook_ends_a_silence_at_the_next_run(world: World) -> None:
    await poll_with_missed_changes(world, 3)
    await world.ingest_envelope("created", reservationId="another", partySize=2)
    await world.poll()
    assert await stored_silent_since(world) is None


async def test_start_and_end_of_a_silence_are_logged_once(
    world: World, capsys: CapturedOutput
) -> None:
    await poll_with_missed_changes(world, 5)
    assert logged_events(capsys) == ["webhooks.silent"]
    await world.ingest_envelope("created", reservationId="another", partySize=2)
    await world.poll()
    await world.poll()
    assert logged_events(capsys) == ["webhooks.recovered"]


async def test_a_restaurant_that_expects_no_webhook_is_never_silent(world: World) -> None:
    await expect_no_webhooks(world)
    await poll_with_missed_changes(world, 4)
    assert await stored_silent_since(world) is None


async def test_a_silence_ends_when_webhooks_are_no_longer_expected(world: World) -> None:
    await poll_with_missed_changes(world, 3)
    await expect_no_webhooks(world)
    await world.poll()
    assert await stored_silent_since(world) is None


async def test_a_webhook_never_writes_the_settings(world: World) -> None:
    settings = world.integration_document
    before = await settings.get()
    await world.ingest_envelope("created", reservationId="another", partySize=2)
    assert (await settings.get()).update_time == before.update_time


async def test_runs_that_end_at_the_same_moment_are_all_counted(world: World) -> None:
    await miss_one_change(world)
    async with world.acquire_lease("poll") as lease:
        assert lease is not None
        run = partial(update_webhook_silence, world.context, lease, MissedWebhooks(1, START_TIME))
        await asyncio.gather(run(), run(), run())
    assert await stored_silent_since(world) == START_TIME
