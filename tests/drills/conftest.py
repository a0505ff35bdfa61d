from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.drills.busy_restaurant import BusyRestaurant, ReportDrill, open_busy_restaurant
from tests.support.figures import DRILL_PROPERTY
from tests.support.world import World


@pytest.fixture
async def busy_restaurant(world: World) -> BusyRestaurant:
    return await open_busy_restaurant(world)


@pytest.fixture
def report_drill(record_property: Callable[[str, object], None]) -> ReportDrill:
    """Puts a drill's measured times below the tests' results."""

    def put(drill: str, **measured: timedelta | float) -> None:
        times = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in measured.items())
        record_property(DRILL_PROPERTY, f"{drill}: {times}")

    return put
