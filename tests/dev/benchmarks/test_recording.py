"""Each part of the benchmark, and the soak, has a block of docs/performance.md."""

import json
from pathlib import Path

import pytest

from dev.benchmarks.__main__ import BENCHMARKS, measure_parts
from dev.benchmarks.results import (
    BENCHMARK_JSON_FILE,
    GROWTH_PLOT_FILE,
    PERFORMANCE_PAGE,
    BenchmarkResult,
    build_value_result,
    replace_marked_lines,
    require_at_most,
)
from dev.bootstrap import ROOT
from tests.support.figures import format_soak_lines

EMPTY_PAGE = """# Performance

<!-- bench: first -->
<!-- bench: end of first -->

<!-- bench: second -->

Not recorded yet.

<!-- bench: end of second -->
"""


def measure_one(**_options: bool) -> tuple[list[BenchmarkResult], list[str]]:
    return [build_value_result("peak", "MiB", require_at_most(2), 1)], ["| own table |"]


def measure_growth(**_options: bool) -> tuple[list[BenchmarkResult], list[str]]:
    detail = {"sizes": [10, 100], "seconds": [1, 9]}
    name = "growth: first poll, exponent"
    return [build_value_result(name, "", require_at_most(1), 0.9, **detail)], []


def fail(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    raise RuntimeError(f"It measured nothing, with quick={quick}.")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a page of two parts."""
    (tmp_path / GROWTH_PLOT_FILE.parent).mkdir(parents=True)
    (tmp_path / PERFORMANCE_PAGE).write_text(EMPTY_PAGE)
    return tmp_path


def read_block(root: Path, name: str) -> list[str]:
    page = (root / PERFORMANCE_PAGE).read_text()
    block = page.partition(f"<!-- bench: {name} -->")[2].partition("<!--")[0]
    return block.strip().splitlines()


def test_a_part_writes_its_date_its_figures_and_its_own_table(root: Path) -> None:
    measure_parts({"first": measure_one}, root, quick=False, write=True)
    measured = json.loads((root / BENCHMARK_JSON_FILE).read_text())["first"]["measured"]
    assert read_block(root, "first") == [
        measured,
        "",
        "| figure | floor | product | ratio | target | |",
        "|---|---|---|---|---|---|",
        "| peak |  | 1 MiB |  | ≤ 2 | met |",
        "",
        "| own table |",
    ]


def test_a_part_leaves_the_block_of_another_as_it_is(root: Path) -> None:
    measure_parts({"first": measure_one}, root, quick=False, write=True)
    assert read_block(root, "second") == ["Not recorded yet."]


def test_a_part_is_recorded_on_the_page_before_the_next_one_fails(root: Path) -> None:
    with pytest.raises(RuntimeError):
        measure_parts({"first": measure_one, "second": fail}, root, quick=False, write=True)
    assert "| peak |  | 1 MiB |  | ≤ 2 | met |" in read_block(root, "first")


def test_the_json_file_has_all_parts_before_one_that_fails(root: Path) -> None:
    parts = {"first": measure_one, "second": measure_one, "third": fail}
    with pytest.raises(RuntimeError):
        measure_parts(parts, root, quick=False, write=False)
    assert list(json.loads((root / BENCHMARK_JSON_FILE).read_text())) == ["first", "second"]


def test_a_run_without_write_leaves_the_page_as_it_is(root: Path) -> None:
    measure_parts({"first": measure_one}, root, quick=False, write=False)
    assert (root / PERFORMANCE_PAGE).read_text() == EMPTY_PAGE


def test_quick_figures_say_that_they_are_not_for_the_record(root: Path) -> None:
    measure_parts({"first": measure_one}, root, quick=True, write=True)
    assert read_block(root, "first")[0].endswith("not for the record.")


def test_results_of_growth_draw_the_plot(root: Path) -> None:
    measure_parts({"first": measure_growth}, root, quick=False, write=True)
    assert "first poll" in (root / GROWTH_PLOT_FILE).read_text()


@pytest.mark.parametrize("name", [*BENCHMARKS, "soak"])
def test_the_page_has_a_block_for_each_part(name: str) -> None:
    page = (ROOT / PERFORMANCE_PAGE).read_text()
    assert "| new |" in replace_marked_lines(page, name, ["| new |"])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_page_lists_each_part(name: str) -> None:
    assert f"`{name}`" in (ROOT / PERFORMANCE_PAGE).read_text()


def test_a_soak_is_recorded_as_a_table_of_counts_and_a_list_of_drills() -> None:
    counts = {"random histories": 10_000, "load: kill -9": 40}
    drills = ["cursor lost, no webhooks: longest delay 0:16:00, equal after 0:02:00"]
    title, *lines = format_soak_lines(counts, drills, minutes=112)
    assert title.endswith("; 112 minutes without a failure.")
    assert lines == [
        "",
        "| counted | number |",
        "|---|--:|",
        "| load: kill -9 | 40 |",
        "| random histories | 10,000 |",
        "",
        "Drills, in simulated time (h:mm:ss):",
        "",
        "- cursor lost, no webhooks: longest delay 0:16:00, equal after 0:02:00",
    ]
