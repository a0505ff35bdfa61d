"""One channel fails for hours; the other two keep the ledger current."""

from datetime import timedelta

import pytest
from google.cloud.firestore import DELETE_FIELD

from tests.drills.busy_restaurant import BusyRestaurant, ReportDrill

POLL = timedelta(minutes=16)
HOURLY = timedelta(minutes=61)


@pytest.mark.parametrize("minutes", [30, 180])
async def test_all_webhooks_lost(
    busy_restaurant: BusyRestaurant, report_drill: ReportDrill, minutes: int
) -> None:
    await busy_restaurant.run_for(8)  # the silence ends between two polls
    busy_restaurant.dispatcher.faults.silent = True
    await busy_restaurant.run_for(minutes, step=1 if minutes < 60 else 5)
    busy_restaurant.dispatcher.faults.silent = False
    level = await busy_restaurant.run_until_equal()
    report_drill(
        f"no webhooks for {minutes} minutes",
        longest_delay=busy_restaurant.max_delay,
        equal_after=level,
    )
    assert busy_restaurant.max_delay <= POLL
    assert level <= POLL


async def test_no_poll_for_a_day_with_lost_webhooks(
    busy_restaurant: BusyRestaurant, report_drill: ReportDrill
) -> None:
    await busy_restaurant.run_for(20)  # the day ends between two reconciliations
    busy_restaurant.poll_minutes = None
    busy_restaurant.dispatcher.faults.drop = 0.2
    await busy_restaurant.run_for(24 * 60, step=30)
    level = await busy_restaurant.run_until_equal(step=30)
    report_drill(
        "no poll for a day, a fifth of the webhooks lost",
        longest_delay=busy_restaurant.max_delay,
        equal_after=level,
    )
    assert busy_restaurant.dispatcher.counts["lost"] > 5
    assert max(busy_restaurant.max_delay, level) <= HOURLY + timedelta(minutes=30)


async def test_the_cursor_lost(busy_restaurant: BusyRestaurant, report_drill: ReportDrill) -> None:
    busy_restaurant.dispatcher.faults.silent = True
    await busy_restaurant.run_for(14)
    await busy_restaurant.world.integration_document.update({"poll.cursor": DELETE_FIELD})
    level = await busy_restaurant.run_until_equal()
    report_drill(
        "cursor lost, no webhooks", longest_delay=busy_restaurant.max_delay, equal_after=level
    )
    assert max(busy_restaurant.max_delay, level) <= POLL
