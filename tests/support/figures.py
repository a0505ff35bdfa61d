"""What tests count and measure: printed below the results, and recorded after a soak."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from dev.benchmarks.results import PERFORMANCE_PAGE, describe_machine, replace_marked_lines
from dev.bootstrap import ROOT

CountFigure = Callable[[str, int], None]

DRILL_PROPERTY = "drill"
COUNT_PROPERTY = "count"


class FigureReporter:
    """A pytest plugin that prints the counts and drills of all tests, also of xdist's workers."""

    def __init__(self) -> None:
        self._started_at = time.monotonic()

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
    ) -> None:
        """Print the figures; with ``--write``, record those of a run without a failure."""
        reports = terminalreporter.getreports("passed")
        counts, drills = sum_counts(reports), list_drills(reports)
        if drills:
            terminalreporter.section("drills, in simulated time (h:mm:ss)")
            for line in drills:
                terminalreporter.write_line(line)
        if counts:
            terminalreporter.section("counted")
            for name, number in counts.items():
                terminalreporter.write_line(f"{name}: {number:,}")
        if config.getoption("--write") and exitstatus == pytest.ExitCode.OK:
            minutes = round((time.monotonic() - self._started_at) / 60)
            lines = format_soak_lines(counts, drills, minutes)
            page = ROOT / PERFORMANCE_PAGE
            page.write_text(replace_marked_lines(page.read_text(), "soak", lines))


def list_drills(reports: Iterable[pytest.TestReport]) -> list[str]:
    """Return the lines of the drills in alphabetical order, each with its measured times."""
    return sorted(
        str(text)
        for report in reports
        for name, text in report.user_properties
        if name == DRILL_PROPERTY
    )


def sum_counts(reports: Iterable[pytest.TestReport]) -> Counter[str]:
    """Return the sums of what the tests counted, by name."""
    counts = Counter[str]()
    for report in reports:
        for name, value in report.user_properties:
            if name == COUNT_PROPERTY and isinstance(value, tuple | list):
                counts[value[0]] += value[1]
    return counts


def format_soak_lines(counts: Mapping[str, int], drills: Sequence[str], minutes: int) -> list[str]:
    """Return the lines of a soak for docs/performance.md."""
    return [
        f"{describe_machine()}; {minutes} minutes without a failure.",
        "",
        "| counted | number |",
        "|---|--:|",
        *(f"| {name} | {number:,} |" for name, number in sorted(counts.items())),
        "",
        "Drills, in simulated time (h:mm:ss):",
        "",
        *(f"- {line}" for line in drills),
    ]
