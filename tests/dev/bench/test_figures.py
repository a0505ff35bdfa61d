import json

import pytest

from dev.bench.arithmetic import MeasurementPair
from dev.bench.figures import (
    BenchmarkResult,
    build_ratio_result,
    format_number,
    format_result_table,
    require_at_least,
    require_at_most,
)
from dev.bench.price import compute_dollars_per_million


def test_a_ratio_is_shown_with_baseline_and_target() -> None:
    figure = build_ratio_result(
        "created", "a second", require_at_least(0.9), [MeasurementPair(1000, 950)]
    )
    assert (
        figure.to_table_row() == "| created | 1,000 a second | 950 a second | 0.95 | ≥ 0.9 | met |"
    )


def test_a_missed_target_stands_out() -> None:
    assert (
        build_ratio_result("p99", "ms", require_at_most(1.5), [MeasurementPair(10, 16)])
        .to_table_row()
        .endswith("**missed** |")
    )


def test_a_value_without_a_floor_is_judged_itself() -> None:
    assert BenchmarkResult("peak", 299, require_at_most(300), 299, "MiB").to_table_row() == (
        "| peak |  | 299 MiB |  | ≤ 300 | met |"
    )


def test_the_table_has_a_row_a_figure() -> None:
    assert len(format_result_table([BenchmarkResult("peak", 1, require_at_most(2), 1, "MiB")])) == 3


def test_json_output_contains_every_round() -> None:
    figure = build_ratio_result(
        "x", "s", require_at_most(1), [MeasurementPair(2, 1), MeasurementPair(4, 3)], seen="this"
    )
    told = json.loads(json.dumps(figure.to_json()))
    assert (told["rounds"], told["seen"], told["met"]) == ([0.5, 0.75], "this", True)


@pytest.mark.parametrize(
    "value, text", [(0, "0"), (0.01234, "0.0123"), (7.126, "7.13"), (12345.6, "12,346")]
)
def test_a_number_is_shown_with_significant_digits(value: float, text: str) -> None:
    assert format_number(value) == text


def test_a_created_event_costs_two_writes_and_a_delete() -> None:
    assert compute_dollars_per_million(0, 2) == pytest.approx((1.90, 3.80))


def test_a_duplicate_that_is_read_costs_its_reads() -> None:
    assert compute_dollars_per_million(2, 0) == pytest.approx((0.60, 1.20))
