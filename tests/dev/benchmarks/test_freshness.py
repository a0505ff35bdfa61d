"""The freshness benchmark attributes each change to the response that shows it first."""

from collections.abc import Mapping

import pytest

from dev.benchmarks.freshness import compute_worst_delay
from dev.benchmarks.host_page import (
    PAGE_PAUSE_SECONDS,
    Change,
    PageResponse,
    compute_page_delays,
)
from dev.benchmarks.results import MeasurementPair
from dev.bootstrap import ROOT


def response(requested_at: float, newest_changes: Mapping[int, int]) -> PageResponse:
    return PageResponse(requested_at, requested_at + 0.25, newest_changes)


def test_a_change_is_visible_with_the_first_response_that_contains_it() -> None:
    responses = [response(10, {}), response(12, {0: 1}), response(14, {0: 1})]
    assert compute_page_delays([Change(0, 1, 11)], responses) == [MeasurementPair(1, 1.25)]


def test_a_change_that_misses_a_request_waits_for_the_next_one() -> None:
    responses = [response(12, {}), response(14, {0: 1})]
    assert compute_page_delays([Change(0, 1, 11)], responses) == [MeasurementPair(1, 3.25)]


def test_a_later_change_of_the_row_shows_the_earlier_one() -> None:
    assert response(0, {3: 7}).shows(Change(3, 5, 0))


@pytest.mark.parametrize("newest_changes", [{}, {3: 4}, {2: 9}])
def test_another_row_or_an_earlier_change_does_not_show_it(
    newest_changes: Mapping[int, int],
) -> None:
    assert not response(0, newest_changes).shows(Change(3, 5, 0))


def test_a_change_that_is_never_shown_fails_the_measurement() -> None:
    with pytest.raises(RuntimeError, match="No response shows change 1"):
        compute_page_delays([Change(0, 1, 11)], [response(12, {})])


def test_the_longest_delay_adds_the_slowest_run_and_the_pause_of_the_page() -> None:
    assert compute_worst_delay(900, [1, 3, 2]) == 903 + PAGE_PAUSE_SECONDS


def test_the_pause_is_that_of_the_page() -> None:
    script = (ROOT / "public" / "js" / "reservations" / "day.js").read_text()
    assert f"const PAUSE_MS = {PAGE_PAUSE_SECONDS * 1000:_.0f};" in script
