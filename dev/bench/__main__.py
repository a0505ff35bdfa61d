"""``python -m dev.bench [--quick] [--write] [PART …]``: measure, and print one table."""

import argparse
import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dev.bench import books, many, start, trips, webhook
from dev.bench.figures import Figure, table
from dev.bench.page import JSON, PAGE, PLOT, with_lines
from dev.bench.plot import Line, draw

Part = Callable[[bool], tuple[list[Figure], list[str]]]

PARTS: dict[str, Part] = {
    "webhook": webhook.measure,
    "trips": trips.measure,
    "poll": books.polls,
    "reconcile": books.windows,
    "start": start.measure,
    "many": many.measure,
}


@dataclass(slots=True)
class Results:
    """What some parts found.

    Attributes:
        quick: Whether less was measured than the figures call for.
        figures: The figures, in order.
        tables: The lines of the parts' own tables, by part.
    """

    quick: bool
    figures: list[Figure] = field(default_factory=list)
    tables: dict[str, list[str]] = field(default_factory=dict)

    def where(self) -> str:
        """Tell when and on what this was measured."""
        depth = "quick, not for the record" if self.quick else "medians of rounds"
        return (
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), Python "
            f"{platform.python_version()}, Firestore emulator on the same machine; {depth}."
        )

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""
        figures = [figure.as_json() for figure in self.figures]
        return {"measured": self.where(), "figures": figures, "tables": self.tables}


def main() -> None:
    """Run the command line."""
    said = _arguments()
    results = Results(said.quick)
    for name in said.part or PARTS:
        print(f"Measuring {name} …", flush=True)
        figures, lines = PARTS[name](said.quick)
        results.figures += figures
        if lines:
            results.tables[name] = lines
    print("", results.where(), "", *table(results.figures), "", sep="\n")
    for lines in results.tables.values():
        print(*lines, "", sep="\n")
    JSON.parent.mkdir(exist_ok=True)
    JSON.write_text(json.dumps(results.as_json(), indent=2, ensure_ascii=False) + "\n")
    if said.write:
        _write(results, whole=not said.part)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.bench", description=__doc__)
    parser.add_argument("part", nargs="*", type=_part, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows, to try it")
    parser.add_argument(
        "--write", action="store_true", help="write docs/performance.md and its plot"
    )
    return parser.parse_args()


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"{name!r} is no part: choose from {', '.join(PARTS)}")
    return name


def _write(results: Results, *, whole: bool) -> None:
    """Bring docs/performance.md and its plot up to date, as far as was measured.

    Args:
        results: What was found.
        whole: Whether every part was measured; the table of figures is one run's or it is none.
    """
    page = PAGE.read_text()
    if whole:
        page = with_lines(page, "figures", [results.where(), "", *table(results.figures)])
    for name, lines in results.tables.items():
        page = with_lines(page, name, lines)
    PAGE.write_text(page)
    grown = [figure for figure in results.figures if figure.name.startswith(books.GROWTH)]
    if grown:
        names = [figure.name.removeprefix(books.GROWTH).partition(",")[0] for figure in grown]
        drawn = [
            Line(name, figure.detail["sizes"], figure.detail["seconds"])
            for name, figure in zip(names, grown, strict=True)
        ]
        PLOT.write_text(draw(drawn))


if __name__ == "__main__":
    main()
