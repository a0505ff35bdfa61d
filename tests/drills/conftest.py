from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.drills.busy_restaurant import BusyRestaurant, ReportDrill, open_busy_restaurant
from tests.support.world import World

_DRILL = "drill"


@pytest.fixture
async def busy_restaurant(world: World) -> BusyRestaurant:
    return await open_busy_restaurant(world)


@pytest.fixture
def report_drill(record_property: Callable[[str, object], None]) -> ReportDrill:
    """Puts a drill's measured times below the tests' results."""

    def put(drill: str, **measured: timedelta | int) -> None:
        times = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in measured.items())
        record_property(_DRILL, f"{drill}: {times}")

    return put


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        text
        for report in terminalreporter.getreports("passed")
        for name, text in report.user_properties
        if name == _DRILL
    ]
    if lines:
        terminalreporter.section("drills, in simulated time (h:mm:ss)")
        for line in lines:
            terminalreporter.write_line(str(line))
