"""Write `docs/licenses.md`: the license of each package, from its metadata."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass

from dev.bootstrap import ROOT
from dev.dependencies.lock import DEPLOYED, export_requirements, list_package_names
from dev.docs.generated_lines import replace_generated_lines

PAGE = ROOT / "docs" / "licenses.md"
BEGIN = "<!-- The tables are written by `make lock`. -->"
END = "<!-- End of the tables. -->"
_HEAD = ("| Package | License |", "|---|---|")
_OPTIONS = ("--from=mixed", "--with-system", "--format=json")
_READ_SECONDS = 60


@dataclass(frozen=True, slots=True)
class LicensedPackage:
    """A package and its license."""

    name: str
    license_name: str


def list_installed_packages() -> list[LicensedPackage]:
    """Return every package of this virtual environment, by name."""
    command = [sys.executable, "-m", "piplicenses", *_OPTIONS]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=_READ_SECONDS, check=True
    )
    # In lower case with hyphens, as in requirements (PEP 503).
    rows = (
        LicensedPackage(re.sub(r"[-_.]+", "-", row["Name"]).lower(), row["License"])
        for row in json.loads(result.stdout)
    )
    return sorted(rows, key=lambda row: row.name)


def replace_license_tables(page: str) -> str:
    """Return a page with the current tables between `BEGIN` and `END`.

    Raises:
        ValueError: The page has no such marks.
    """
    rows = list_installed_packages()
    deployed = list_package_names(export_requirements(*DEPLOYED))
    tool_names = list_package_names(export_requirements()) - deployed
    lines = [
        *("## Deployed", "", *_build_table(rows, deployed), ""),
        *("## Only for tests and tools", "", *_build_table(rows, tool_names)),
    ]
    return replace_generated_lines(page, BEGIN, END, lines)


def _build_table(rows: list[LicensedPackage], names: set[str]) -> list[str]:
    return [*_HEAD, *(f"| {row.name} | {row.license_name} |" for row in rows if row.name in names)]


if __name__ == "__main__":
    PAGE.write_text(replace_license_tables(PAGE.read_text()))
