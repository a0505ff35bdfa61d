"""`docs/settings.md`: the table of environment variables, written from the code that reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from msgspec import Meta
from msgspec.structs import fields

from shared.edge.environment import Environment

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
BEGIN = "<!-- The table is written by `python -m dev settings`. -->"
END = "<!-- End of the table. -->"
_HEAD = ("| Variable | Default | Range | Meaning |", "|---|---|---|---|")
_SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def with_table(page: str) -> str:
    """Return a page with the present table between `BEGIN` and `END`.

    Raises:
        ValueError: When the page lacks one of them.
    """
    before, rest = page[: page.index(BEGIN)], page[page.index(END) :]
    return "\n".join([before + BEGIN, "", *_HEAD, *_rows(), "", rest])


def write_table(page: Path = PAGE) -> None:
    """Bring a page's table up to date."""
    page.write_text(with_table(page.read_text()))


def _rows() -> Iterator[str]:
    for field in fields(Environment):
        default = "" if field.default is None else f"`{_plain(field.default)}`"
        _, meta = get_args(field.type)
        yield f"| `{field.encode_name}` | {default} | {_range(meta)} | {meta.description} |"


def _plain(default: object) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


def _range(meta: Meta) -> str:
    bounds = ((sign, getattr(meta, name)) for name, sign in _SIGNS.items())
    return ", ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
