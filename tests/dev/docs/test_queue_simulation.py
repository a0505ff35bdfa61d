"""A simulated queue keeps within its limits and uses them fully."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.docs.scale_page import (
    QueueLimits,
    sample_durations,
    simulate_backlog,
    simulate_drain,
)

limits = st.builds(QueueLimits, st.floats(0.5, 200), st.integers(1, 64))


@given(st.integers(1, 2_000), limits, st.floats(0.01, 5))
def test_queue_throughput_is_the_lower_of_its_limits(
    tasks: int, limits: QueueLimits, seconds: float
) -> None:
    took = simulate_drain(tasks, limits, [seconds])
    dispatching = (tasks - 1) / limits.max_per_second
    waiting = (tasks - 1) // limits.max_concurrent * seconds
    assert max(dispatching, waiting) + seconds <= took * 1.000001
    # Both limits together cost at most one task's time and one dispatch's more than either.
    assert took <= (dispatching + waiting + seconds) * 1.000001


@pytest.mark.parametrize("limits", [QueueLimits(4, 16), QueueLimits(1_000, 16)])
def test_a_long_queue_runs_at_its_limit(limits: QueueLimits) -> None:
    took = simulate_drain(10_000, limits, sample_durations(1.0))
    rate = min(limits.max_per_second, limits.max_concurrent)
    assert took == pytest.approx(10_000 / rate, rel=0.01)


def test_a_fast_enough_queue_has_no_backlog() -> None:
    assert simulate_backlog(9, 900, 800, QueueLimits(1, 16), [1.0]) == 0


def test_a_too_slow_queue_grows_each_tick() -> None:
    behind = [simulate_backlog(ticks, 900, 1_000, QueueLimits(1, 16), [1.0]) for ticks in (2, 3, 4)]
    assert behind == pytest.approx([100, 200, 300])


def test_durations_have_the_requested_mean() -> None:
    drawn = sample_durations(2.0)
    assert sum(drawn) / len(drawn) == pytest.approx(2.0)
    assert max(drawn) > 5.0
