"""``python -m dev.benchmarks [--quick] [--write] [PART …]``: measure, and print one table."""

import argparse
import json
import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from dev.benchmarks import (
    cold_start,
    flood,
    freshness,
    idle,
    listing,
    poll_and_reconcile,
    round_trips,
    staff_api,
    webhook,
)
from dev.benchmarks.results import (
    BENCHMARK_JSON_FILE,
    GROWTH_PLOT_FILE,
    PERFORMANCE_PAGE,
    BenchmarkResult,
    PlotLine,
    draw_growth_plot,
    format_result_table,
    replace_marked_lines,
)


class Benchmark(Protocol):
    """A part of the benchmark; returns its results and the lines of its own table."""

    def __call__(self, *, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
        """Measure, with fewer rounds if `quick`."""


BENCHMARKS: dict[str, Benchmark] = {
    "webhook": webhook.measure_webhook,
    "flood": flood.measure_flood,
    "api": staff_api.measure_unauthenticated_calls,
    "trips": round_trips.measure_round_trips,
    "poll": poll_and_reconcile.measure_polls,
    "reconcile": poll_and_reconcile.measure_reconciliations,
    "start": cold_start.measure_cold_start,
    "many": poll_and_reconcile.measure_many_restaurants,
    "listing": listing.measure_listing,
    "idle": idle.measure_idle,
    "freshness": freshness.measure_freshness,
}


@dataclass(slots=True)
class BenchmarkRun:
    """The results of the measured parts.

    `is_quick` is true for fewer rounds than the published figures. `tables` contains the lines of
    each
    part's own tables.
    """

    is_quick: bool
    results: list[BenchmarkResult] = field(default_factory=list)
    tables: dict[str, list[str]] = field(default_factory=dict)

    def describe_machine(self) -> str:
        """Return the date and the machine of the measurement."""
        depth = "quick, not for the record" if self.is_quick else "medians of rounds"
        return (
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), Python "
            f"{platform.python_version()}, Firestore emulator on the same machine; {depth}."
        )

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""
        figures = [figure.to_json() for figure in self.results]
        return {"measured": self.describe_machine(), "figures": figures, "tables": self.tables}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks", description=__doc__)
    parser.add_argument(
        "part", nargs="*", type=_parse_part, metavar="PART", help=", ".join(BENCHMARKS)
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows, to try it")
    parser.add_argument(
        "--write", action="store_true", help="write docs/performance.md and its plot"
    )
    args = parser.parse_args()
    results = BenchmarkRun(args.quick)
    for name in args.part or BENCHMARKS:
        print(f"Measuring {name} …", flush=True)
        figures, lines = BENCHMARKS[name](quick=args.quick)
        results.results += figures
        if lines:
            results.tables[name] = lines
    print("", results.describe_machine(), "", *format_result_table(results.results), "", sep="\n")
    for lines in results.tables.values():
        print(*lines, "", sep="\n")
    BENCHMARK_JSON_FILE.parent.mkdir(exist_ok=True)
    BENCHMARK_JSON_FILE.write_text(
        json.dumps(results.to_json(), indent=2, ensure_ascii=False) + "\n"
    )
    if args.write:
        _update_page(results, is_complete=not args.part)


def _parse_part(name: str) -> str:
    if name not in BENCHMARKS:
        raise argparse.ArgumentTypeError(
            f"{name!r} is no part: choose from {', '.join(BENCHMARKS)}"
        )
    return name


def _update_page(results: BenchmarkRun, *, is_complete: bool) -> None:
    """Update docs/performance.md and its plot with the measured parts.

    The table of figures is written only if every part was measured, so that one run made all rows.
    """
    page = PERFORMANCE_PAGE.read_text()
    if is_complete:
        page = replace_marked_lines(
            page, "figures", [results.describe_machine(), "", *format_result_table(results.results)]
        )
    for name, lines in results.tables.items():
        page = replace_marked_lines(page, name, lines)
    PERFORMANCE_PAGE.write_text(page)
    growth_results = [
        figure
        for figure in results.results
        if figure.name.startswith(poll_and_reconcile.GROWTH_PREFIX)
    ]
    if growth_results:
        names = [
            figure.name.removeprefix(poll_and_reconcile.GROWTH_PREFIX).partition(",")[0]
            for figure in growth_results
        ]
        plot_lines = [
            PlotLine(name, figure.detail["sizes"], figure.detail["seconds"])
            for name, figure in zip(names, growth_results, strict=True)
        ]
        GROWTH_PLOT_FILE.write_text(draw_growth_plot(plot_lines))


if __name__ == "__main__":
    main()
