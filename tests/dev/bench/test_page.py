"""docs/performance.md can be written by the bench, and its plot drawn."""

import xml.etree.ElementTree as ET

import pytest

from dev.bench.page import GROWTH_PLOT_FILE, PERFORMANCE_PAGE, replace_marked_lines
from dev.bench.plot import PlotLine, draw_growth_plot


@pytest.mark.parametrize("name", ["figures", "trips"])
def test_the_page_has_a_place_for_each_table(name: str) -> None:
    assert "| new |" in replace_marked_lines(PERFORMANCE_PAGE.read_text(), name, ["| new |"])


def test_text_around_a_table_is_unchanged() -> None:
    page = "before\n<!-- bench: x -->\nold\n<!-- bench: end of x -->\nafter\n"
    written = replace_marked_lines(page, "x", ["new"])
    assert "old" not in written
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert replace_marked_lines(written, "x", ["new"]) == written


def test_the_page_shows_the_plot() -> None:
    assert f"images/{GROWTH_PLOT_FILE.name}" in PERFORMANCE_PAGE.read_text()
    assert GROWTH_PLOT_FILE.exists()


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
