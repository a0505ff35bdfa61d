"""Write the tables of settings and licenses in the documentation.

`python -m dev settings` writes docs/settings.md from the code. `python -m dev licenses`, a part of
`make lock`, writes docs/licenses.md from the metadata of the installed packages.
"""

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

from msgspec import Meta
from msgspec.structs import fields

from dev.bootstrap import ROOT
from dev.dependencies.lock import DEPLOYED, export_requirements, list_package_names
from shared.config import Environment

SETTINGS_PAGE = ROOT / "docs" / "settings.md"
SETTINGS_TABLE_BEGIN = "<!-- The table is written by `python -m dev settings`. -->"
SETTINGS_TABLE_END = "<!-- End of the table. -->"
_OPERATORS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}

LICENSES_PAGE = ROOT / "docs" / "licenses.md"
LICENSE_TABLES_BEGIN = "<!-- The tables are written by `make lock`. -->"
LICENSE_TABLES_END = "<!-- End of the tables. -->"
_READ_TIMEOUT_SECONDS = 60


def write_settings_table() -> None:
    """Bring the table of environment variables up to date."""
    SETTINGS_PAGE.write_text(replace_settings_table(SETTINGS_PAGE.read_text()))


def write_license_tables() -> None:
    """Bring the tables of licenses up to date."""
    LICENSES_PAGE.write_text(replace_license_tables(LICENSES_PAGE.read_text()))


def replace_settings_table(page: str) -> str:
    """Return a page with the current table between the two marks.

    Raises:
        ValueError: The page has no such marks.
    """
    lines = ["| Variable | Default | Range | Meaning |", "|---|---|---|---|"]
    meanings = read_field_docstrings(Environment)
    for field in fields(Environment):
        default = "" if field.default is None else f"`{field.default}`"
        if isinstance(field.default, float):
            default = f"`{field.default:g}`"
        meta = next((part for part in get_args(field.type) if isinstance(part, Meta)), Meta())
        bounds = ((sign, getattr(meta, name)) for name, sign in _OPERATORS.items())
        allowed = ", ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
        lines.append(f"| `{field.encode_name}` | {default} | {allowed} | {meanings[field.name]} |")
    return replace_generated_lines(page, SETTINGS_TABLE_BEGIN, SETTINGS_TABLE_END, lines)


def read_field_docstrings(struct_type: type) -> dict[str, str]:
    """Return the text below each field of a class, which Python itself does not keep."""
    [class_node] = ast.parse(inspect.getsource(struct_type)).body
    texts = {}
    for node, following in pairwise(ast.iter_child_nodes(class_node)):
        match node, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                texts[name] = inspect.cleandoc(str(text))
    return texts


@dataclass(frozen=True, slots=True)
class LicensedPackage:
    """A package and its license."""

    name: str
    license_name: str


def replace_license_tables(page: str) -> str:
    """Return a page with the current tables between the two marks.

    Raises:
        ValueError: The page has no such marks.
    """
    packages = list_installed_packages()
    deployed = list_package_names(export_requirements(*DEPLOYED))
    tables = {
        "Deployed": deployed,
        "Only for tests and tools": list_package_names(export_requirements()) - deployed,
    }
    lines: list[str] = []
    for title, names in tables.items():
        lines += [f"## {title}", "", "| Package | License |", "|---|---|"]
        lines += [f"| {row.name} | {row.license_name} |" for row in packages if row.name in names]
        lines.append("")
    lines.pop()  # the mark follows the last row
    return replace_generated_lines(page, LICENSE_TABLES_BEGIN, LICENSE_TABLES_END, lines)


def list_installed_packages() -> list[LicensedPackage]:
    """Return every package of this virtual environment, by name."""
    options = ["--from=mixed", "--with-system", "--format=json"]
    result = subprocess.run(
        [sys.executable, "-m", "piplicenses", *options],
        capture_output=True,
        text=True,
        timeout=_READ_TIMEOUT_SECONDS,
        check=True,
    )
    # In lower case with hyphens, as in requirements (PEP 503).
    rows = (
        LicensedPackage(re.sub(r"[-_.]+", "-", row["Name"]).lower(), row["License"])
        for row in json.loads(result.stdout)
    )
    return sorted(rows, key=lambda row: row.name)


def replace_generated_lines(page: str, begin: str, end: str, lines: Iterable[str]) -> str:
    """Return a page with other lines between two marks.

    Raises:
        ValueError: A mark is missing.
    """
    before, after = page[: page.index(begin)], page[page.index(end) :]
    # Markdown needs an empty line between an HTML comment and a table.
    return "\n".join([before + begin, "", *lines, "", after])
