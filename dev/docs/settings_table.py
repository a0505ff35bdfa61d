"""Write the table of environment variables in `docs/settings.md` from the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from msgspec.structs import fields

from dev.docs.generated_lines import replace_generated_lines
from shared.config import Environment

SETTINGS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
SETTINGS_TABLE_BEGIN = "<!-- The table is written by `python -m dev settings`. -->"
SETTINGS_TABLE_END = "<!-- End of the table. -->"
_HEADER = ("| Variable | Default | Range | Meaning |", "|---|---|---|---|")
_OPERATORS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def replace_settings_table(page: str) -> str:
    """Return a page with the current table between the two marks.

    Raises:
        ValueError: The page has no such marks.
    """
    rows = [*_HEADER, *_build_rows()]
    return replace_generated_lines(page, SETTINGS_TABLE_BEGIN, SETTINGS_TABLE_END, rows)


def write_settings_table(page: Path = SETTINGS_PAGE) -> None:
    """Bring a page's table up to date."""
    page.write_text(replace_settings_table(page.read_text()))


def _build_rows() -> Iterator[str]:
    for field in fields(Environment):
        default = "" if field.default is None else f"`{field.default}`"
        if isinstance(field.default, float):
            default = f"`{field.default:g}`"
        _, meta = get_args(field.type)
        bounds = ((sign, getattr(meta, name)) for name, sign in _OPERATORS.items())
        allowed = ", ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
        yield f"| `{field.encode_name}` | {default} | {allowed} | {meta.description} |"
