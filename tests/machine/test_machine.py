import asyncio
import os

import pytest
from google.cloud.firestore import AsyncClient
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from dev.emulator import Emulator
from tests.machine.convergence import Convergence
from tests.machine.stage import Stage

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
QUICK = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # an example is some two hundred round trips
)
DEEP = settings(QUICK, max_examples=5_000, stateful_step_count=40)
ROWS_A_PAGE = 4


@pytest.mark.parametrize("shard", range(2 if SOAK else 1))
async def test_after_anything_one_poll_and_one_reconciliation_level_the_ledger(
    shard: int, firestore: AsyncClient, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A handful of reservations is paged through as thousands are.
    monkeypatch.setattr("dev.sandbox.query.MAX_LIMIT", ROWS_A_PAGE)
    loop = asyncio.get_running_loop()

    class Here(Convergence):
        stage = Stage(loop, firestore, emulator)

    assert shard >= 0
    depth = DEEP if SOAK else QUICK
    await asyncio.to_thread(run_state_machine_as_test, Here, settings=depth)
