import asyncio
import itertools
import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from typing_extensions import override

from dev.local.emulator import start_emulator
from tests.stateful.environment import MachineEnvironment
from tests.stateful.state_machine import LedgerStateMachine
from tests.support.figures import CountFigure
from tests.support.firestore import open_connection

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
QUICK = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # an example is some two hundred round trips
)
# Without a database: the failure of one shard would end all others.
DEEP = settings(QUICK, max_examples=500, stateful_step_count=40, database=None)
PAGE_SIZE = 4


@pytest.fixture
async def environment(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MachineEnvironment]:
    """An environment with its own emulator: the emulator keeps deleted data and fills up."""
    with start_emulator() as emulator:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", emulator.host)
        # Opened here: the machine's own thread has no loop to open it on.
        async with open_connection(emulator.host) as connection:
            yield MachineEnvironment(asyncio.get_running_loop(), connection, emulator)


@pytest.mark.parametrize("shard", range(20 if SOAK else 1))
async def test_one_poll_and_one_reconciliation_make_the_ledger_equal_after_any_failure(
    shard: int,
    environment: MachineEnvironment,
    monkeypatch: pytest.MonkeyPatch,
    count_figure: CountFigure,
) -> None:
    # A handful of reservations is paged through as thousands are.
    monkeypatch.setattr("sandbox.sync_api.MAX_PAGE_LIMIT", PAGE_SIZE)
    current_environment, history_count = environment, itertools.count()

    class BoundStateMachine(LedgerStateMachine):
        environment = current_environment

        @override
        def teardown(self) -> None:
            super().teardown()
            next(history_count)

    assert shard >= 0
    depth = DEEP if SOAK else QUICK
    await asyncio.to_thread(run_state_machine_as_test, BoundStateMachine, settings=depth)
    count_figure("random histories that left the ledger equal to OpenTable", next(history_count))
