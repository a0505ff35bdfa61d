from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.drills.evening import Evening, Tell, begin
from tests.world import World

_DRILL = "drill"


@pytest.fixture
async def evening(world: World) -> Evening:
    return await begin(world)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
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
