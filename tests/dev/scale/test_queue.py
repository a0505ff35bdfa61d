"""A simulated queue keeps within its limits, and wastes none of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.scale.queue import Limits, backlog_after, drained, durations

limits = st.builds(Limits, st.floats(0.5, 200), st.integers(1, 64))


@given(st.integers(1, 2_000), limits, st.floats(0.01, 5))
def test_a_queue_takes_what_its_narrower_limit_allows(
    tasks: int, limits: Limits, seconds: float
) -> None:
    took = drained(tasks, limits, [seconds])
    least = max((tasks - 1) / limits.rate, (tasks - 1) // limits.at_once * seconds) + seconds
    assert least <= took * 1.000001
    # Both limits together cost at most one task's time and one dispatch's more than either.
    most = (tasks - 1) / limits.rate + ((tasks - 1) // limits.at_once + 1) * seconds
    assert took <= most * 1.000001


@pytest.mark.parametrize("limits", [Limits(4, 16), Limits(1_000, 16)])
def test_a_long_queue_runs_at_its_limit(limits: Limits) -> None:
    took = drained(10_000, limits, durations(1.0))
    assert took == pytest.approx(10_000 / min(limits.rate, limits.at_once / 1.0), rel=0.01)


def test_a_queue_that_keeps_up_leaves_nothing_over() -> None:
    assert backlog_after(9, 900, 800, Limits(1, 16), [1.0]) == 0


def test_a_queue_that_does_not_keep_up_falls_further_behind_each_tick() -> None:
    behind = [backlog_after(ticks, 900, 1_000, Limits(1, 16), [1.0]) for ticks in (2, 3, 4)]
    assert behind == pytest.approx([100, 200, 300])


def test_durations_have_the_mean_that_was_asked_for() -> None:
    drawn = durations(2.0)
    assert sum(drawn) / len(drawn) == pytest.approx(2.0)
    assert max(drawn) > 5.0
