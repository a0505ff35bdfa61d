"""One of the three ways falls silent for a while; the others keep the ledger close."""

from datetime import timedelta

import pytest
from google.cloud.firestore import DELETE_FIELD

from shared.edge import paths
from tests.drills.evening import Evening, Tell

POLL = timedelta(minutes=16)
HOURLY = timedelta(minutes=61)


@pytest.mark.parametrize("minutes", [30, 180])
async def test_webhooks_dead(evening: Evening, tell: Tell, minutes: int) -> None:
    await evening.live(8)  # so that the silence ends between two polls
    evening.courier.faults.silent = True
    await evening.live(minutes, step=1 if minutes < 60 else 5)
    evening.courier.faults.silent = False
    level = await evening.until_level()
    tell(f"webhooks dead for {minutes} minutes", worst=evening.worst, level_after=level)
    assert evening.worst <= POLL
    assert level <= POLL


async def test_the_poll_dead_for_a_day_while_webhooks_get_lost(
    evening: Evening, tell: Tell
) -> None:
    await evening.live(20)  # so that the day ends between two reconciliations
    evening.poll_minutes = None
    evening.courier.faults.drop = 0.2
    await evening.live(24 * 60, step=30)
    level = await evening.until_level(step=30)
    tell("poll dead for a day, a fifth of the webhooks lost", worst=evening.worst, after=level)
    assert evening.courier.counts["lost"] > 5
    assert max(evening.worst, level) <= HOURLY + timedelta(minutes=30)


async def test_the_cursor_lost(evening: Evening, tell: Tell) -> None:
    evening.courier.faults.silent = True
    await evening.live(14)
    settings = paths.integration_document(
        evening.world.services.firestore, evening.world.restaurant.id
    )
    await settings.update({"poll.cursor": DELETE_FIELD})
    level = await evening.until_level()
    tell("the cursor lost, webhooks dead", worst=evening.worst, level_after=level)
    assert max(evening.worst, level) <= POLL
