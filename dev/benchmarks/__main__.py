"""``python -m dev.benchmarks [--quick] [--write] [PART …]``: measure parts and record each."""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dev.benchmarks import (
    api_latency,
    cold_start,
    freshness,
    listing,
    poll_and_reconcile,
    round_trips,
    unauthenticated,
    webhook,
)
from dev.benchmarks.results import (
    BENCHMARK_JSON_FILE,
    GROWTH_PLOT_FILE,
    PERFORMANCE_PAGE,
    BenchmarkResult,
    PlotLine,
    describe_machine,
    draw_growth_plot,
    format_result_table,
    replace_marked_lines,
)
from dev.bootstrap import ROOT


class Benchmark(Protocol):
    """A part of the benchmark; returns its results and the lines of its own table."""

    def __call__(self, *, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
        """Measure, with fewer rounds if `quick`."""


BENCHMARKS: dict[str, Benchmark] = {
    "webhook": webhook.measure_webhook,
    "flood": unauthenticated.measure_flood,
    "api": unauthenticated.measure_unauthenticated_calls,
    "trips": round_trips.measure_round_trips,
    "poll": poll_and_reconcile.measure_polls,
    "reconcile": poll_and_reconcile.measure_reconciliations,
    "start": cold_start.measure_cold_start,
    "many": api_latency.measure_many_restaurants,
    "listing": listing.measure_listing,
    "idle": api_latency.measure_idle,
    "freshness": freshness.measure_freshness,
}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks", description=__doc__)
    parser.add_argument(
        "part", nargs="*", type=_parse_part, metavar="PART", help=", ".join(BENCHMARKS)
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows, to try it")
    parser.add_argument(
        "--write", action="store_true", help="write each part to docs/performance.md at its end"
    )
    args = parser.parse_args()
    parts = {name: BENCHMARKS[name] for name in args.part or BENCHMARKS}
    measure_parts(parts, ROOT, quick=args.quick, write=args.write)


def _parse_part(name: str) -> str:
    if name not in BENCHMARKS:
        raise argparse.ArgumentTypeError(
            f"{name!r} is no part: choose from {', '.join(BENCHMARKS)}"
        )
    return name


def measure_parts(parts: Mapping[str, Benchmark], root: Path, *, quick: bool, write: bool) -> None:
    """Measure parts one after the other; print and record each as soon as it ends.

    A part that fails ends the run. Those before it stay recorded in the files below `root`.
    """
    measured: dict[str, Any] = {}
    for name, measure in parts.items():
        print(f"Measuring {name} …", flush=True)
        started = time.monotonic()
        results, table = measure(quick=quick)
        seconds = round(time.monotonic() - started)
        title = describe_machine() + (", fewer rounds: not for the record." if quick else ".")
        lines = [title, "", *format_result_table(results), *(["", *table] if table else [])]
        print("", *lines, "", f"This took {seconds} s.", "", sep="\n", flush=True)
        measured[name] = {
            "measured": title,
            "seconds": seconds,
            "figures": [result.to_json() for result in results],
            "table": table,
        }
        json_file = root / BENCHMARK_JSON_FILE
        json_file.parent.mkdir(exist_ok=True)
        json_file.write_text(json.dumps(measured, indent=2, ensure_ascii=False) + "\n")
        if write:
            page = root / PERFORMANCE_PAGE
            page.write_text(replace_marked_lines(page.read_text(), name, lines))
            _write_growth_plot(root / GROWTH_PLOT_FILE, results)


def _write_growth_plot(file: Path, results: Sequence[BenchmarkResult]) -> None:
    """Draw the plot of the results that describe growth, if there are any."""
    prefix = poll_and_reconcile.GROWTH_PREFIX
    lines = [
        PlotLine(
            result.name.removeprefix(prefix).partition(",")[0],
            result.detail["sizes"],
            result.detail["seconds"],
        )
        for result in results
        if result.name.startswith(prefix)
    ]
    if lines:
        file.write_text(draw_growth_plot(lines))


if __name__ == "__main__":
    main()
