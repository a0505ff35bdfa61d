"""`docs/settings.md`: the table of environment variables, written from the code that reads them."""

from collections.abc import Iterator
from pathlib import Path

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from shared.edge.environment import Environment

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
BEGIN = "<!-- The table is written by `python -m dev settings`. -->"
END = "<!-- End of the table. -->"
_HEAD = ("| Variable | Default | Range | Meaning |", "|---|---|---|---|")
_SIGNS = {Gt: "> {0.gt:g}", Ge: "≥ {0.ge:g}", Le: "≤ {0.le:g}"}


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
    for field in Environment.model_fields.values():
        default = "" if field.default is None else f"`{_plain(field.default)}`"
        yield f"| `{field.alias}` | {default} | {_range(field)} | {field.description} |"


def _plain(default: object) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


def _range(field: FieldInfo) -> str:
    return ", ".join(_SIGNS[type(bound)].format(bound) for bound in field.metadata)
