"""The results of a benchmark are written to docs/performance.md and drawn as a plot."""

import json
import xml.etree.ElementTree as ET

import pytest

from dev.benchmarks.results import (
    GROWTH_PLOT_FILE,
    PERFORMANCE_PAGE,
    REPOSITORY_ROOT,
    BenchmarkResult,
    MeasurementPair,
    PlotLine,
    build_ratio_result,
    draw_growth_plot,
    format_figure,
    format_result_table,
    replace_marked_lines,
    require_at_least,
    require_at_most,
)
from dev.benchmarks.round_trips import compute_dollars_per_million


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
    written = json.loads(json.dumps(figure.to_json()))
    assert (written["rounds"], written["seen"], written["met"]) == ([0.5, 0.75], "this", True)


@pytest.mark.parametrize(
    "value, text", [(0, "0"), (0.01234, "0.0123"), (7.126, "7.13"), (12345.6, "12,346")]
)
def test_a_number_is_shown_with_significant_digits(value: float, text: str) -> None:
    assert format_figure(value) == text


def test_a_created_event_costs_two_writes_and_a_delete() -> None:
    assert compute_dollars_per_million(0, 2) == pytest.approx((1.90, 3.80))


def test_a_duplicate_that_is_read_costs_its_reads() -> None:
    assert compute_dollars_per_million(2, 0) == pytest.approx((0.60, 1.20))


def test_text_around_a_table_is_unchanged() -> None:
    page = "before\n<!-- bench: x -->\nold\n<!-- bench: end of x -->\nafter\n"
    written = replace_marked_lines(page, "x", ["new"])
    assert "old" not in written
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert replace_marked_lines(written, "x", ["new"]) == written


def test_the_page_shows_the_plot() -> None:
    assert f"images/{GROWTH_PLOT_FILE.name}" in (REPOSITORY_ROOT / PERFORMANCE_PAGE).read_text()
    assert (REPOSITORY_ROOT / GROWTH_PLOT_FILE).exists()


def test_a_plot_has_a_point_a_size_and_names_its_lines() -> None:
    lines = [
        PlotLine("poll", [1e3, 1e4, 1e5], [1, 10, 101]),
        PlotLine("run", [1e3, 1e5], [0.5, 50]),
    ]
    drawn = ET.fromstring(draw_growth_plot(lines))  # noqa: S314 -- our own text
    circles = drawn.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 5 + 2
    assert {"poll", "run", "100,000"} <= {text.text for text in drawn.iter() if text.text}


def test_a_point_that_is_ten_times_as_much_is_as_far_to_the_right_as_up() -> None:
    drawn = ET.fromstring(draw_growth_plot([PlotLine("even", [1e3, 1e4, 1e5], [1, 10, 100])]))  # noqa: S314 -- ours
    places = [
        (float(each.attrib["cx"]), float(each.attrib["cy"]))
        for each in drawn.findall("{http://www.w3.org/2000/svg}circle")[:3]
    ]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
