import json

import pytest

from dev.bench.arithmetic import Pair
from dev.bench.figures import Figure, at_least, at_most, number, ratio_figure, table
from dev.bench.price import dollars_a_million


def test_a_ratio_stands_beside_its_floor_and_target() -> None:
    figure = ratio_figure("created", "a second", at_least(0.9), [Pair(1000, 950)])
    assert figure.row() == "| created | 1,000 a second | 950 a second | 0.95 | ≥ 0.9 | met |"


def test_a_missed_target_stands_out() -> None:
    assert ratio_figure("p99", "ms", at_most(1.5), [Pair(10, 16)]).row().endswith("**missed** |")


def test_a_value_without_a_floor_is_judged_itself() -> None:
    assert Figure("peak", 299, at_most(300), 299, "MiB").row() == (
        "| peak |  | 299 MiB |  | ≤ 300 | met |"
    )


def test_the_table_has_a_row_a_figure() -> None:
    assert len(table([Figure("peak", 1, at_most(2), 1, "MiB")])) == 3


def test_json_holds_every_round() -> None:
    figure = ratio_figure("x", "s", at_most(1), [Pair(2, 1), Pair(4, 3)], seen="this")
    told = json.loads(json.dumps(figure.as_json()))
    assert (told["rounds"], told["seen"], told["met"]) == ([0.5, 0.75], "this", True)


@pytest.mark.parametrize(
    "value, text", [(0, "0"), (0.01234, "0.0123"), (7.126, "7.13"), (12345.6, "12,346")]
)
def test_a_number_is_told_in_the_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def test_a_created_event_costs_two_writes_and_a_delete() -> None:
    assert dollars_a_million(0, 2) == pytest.approx((1.90, 3.80))


def test_a_duplicate_that_is_read_costs_its_reads() -> None:
    assert dollars_a_million(2, 0) == pytest.approx((0.60, 1.20))
