"""The results of a benchmark are written to docs/performance.md and drawn as a plot."""

import json
import xml.etree.ElementTree as ET

import pytest

from dev.benchmarks.results import (
    GROWTH_PLOT_FILE,
    PERFORMANCE_PAGE,
    MeasurementPair,
    PlotLine,
    build_ratio_result,
    draw_growth_plot,
    format_figure,
    replace_marked_lines,
    require_at_least,
    require_at_most,
)
from dev.benchmarks.round_trips import compute_dollars_per_million
from dev.bootstrap import ROOT

CIRCLE = "{http://www.w3.org/2000/svg}circle"


def test_a_ratio_is_shown_with_baseline_and_target() -> None:
    pairs = [MeasurementPair(1000, 950)]
    row = build_ratio_result("created", "a second", require_at_least(0.9), pairs).to_table_row()
    assert row == "| created | 1,000 a second | 950 a second | 0.95 | ≥ 0.9 | met |"


def test_a_missed_target_stands_out() -> None:
    figure = build_ratio_result("p99", "ms", require_at_most(1.5), [MeasurementPair(10, 16)])
    assert figure.to_table_row().endswith("**missed** |")


def test_json_output_contains_every_round() -> None:
    pairs = [MeasurementPair(2, 1), MeasurementPair(4, 3)]
    figure = build_ratio_result("x", "s", require_at_most(1), pairs, seen="this")
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
    assert f"images/{GROWTH_PLOT_FILE.name}" in (ROOT / PERFORMANCE_PAGE).read_text()
    assert (ROOT / GROWTH_PLOT_FILE).exists()


def draw(*lines: PlotLine) -> ET.Element:
    return ET.fromstring(draw_growth_plot(lines))  # noqa: S314 -- our own text


def test_a_plot_has_a_point_a_size_and_names_its_lines() -> None:
    run = PlotLine("run", [1e3, 1e5], [0.5, 50])
    drawn = draw(PlotLine("poll", [1e3, 1e4, 1e5], [1, 10, 101]), run)
    assert len(drawn.findall(CIRCLE)) == 5 + 2
    assert {"poll", "run", "100,000"} <= {text.text for text in drawn.iter() if text.text}


def test_a_point_that_is_ten_times_as_much_is_as_far_to_the_right_as_up() -> None:
    circles = draw(PlotLine("even", [1e3, 1e4, 1e5], [1, 10, 100])).findall(CIRCLE)[:3]
    x0, x1, x2 = (float(each.attrib["cx"]) for each in circles)
    y0, y1, y2 = (float(each.attrib["cy"]) for each in circles)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
