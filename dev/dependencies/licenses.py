"""Write `docs/licences.md`: the license of each package, from its metadata."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass

from dev.bootstrap import ROOT
from dev.dependencies.lock import DEPLOYED, export_requirements, list_package_names

PAGE = ROOT / "docs" / "licences.md"
BEGIN = "<!-- The tables are written by `make lock`. -->"
END = "<!-- End of the tables. -->"
_HEAD = ("| Package | Licence |", "|---|---|")
_OPTIONS = ("--from=mixed", "--with-system", "--format=json")
_READ_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Licensed:
    """A package and its license."""

    name: str
    licence: str


def installed() -> list[Licensed]:
    """Return every package of this virtual environment, by name."""
    command = [sys.executable, "-m", "piplicenses", *_OPTIONS]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=_READ_SECONDS, check=True
    )
    # The name as an index spells it (PEP 503).
    rows = (
        Licensed(re.sub(r"[-_.]+", "-", row["Name"]).lower(), row["License"])
        for row in json.loads(result.stdout)
    )
    return sorted(rows, key=lambda row: row.name)


def with_tables(page: str) -> str:
    """Return a page with the current tables between `BEGIN` and `END`.

    Raises:
        ValueError: The page has no such marks.
    """
    before, rest = page[: page.index(BEGIN)], page[page.index(END) :]
    rows = installed()
    deployed = list_package_names(export_requirements(*DEPLOYED))
    tool_names = list_package_names(export_requirements()) - deployed
    tables = [
        *("", "## Deployed", "", *_table(rows, deployed)),
        *("", "## Tests and tools alone", "", *_table(rows, tool_names)),
    ]
    return "\n".join([before + BEGIN, *tables, "", rest])


def _table(rows: list[Licensed], names: set[str]) -> list[str]:
    return [*_HEAD, *(f"| {row.name} | {row.licence} |" for row in rows if row.name in names)]


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
