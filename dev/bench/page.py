"""docs/performance.md: its tables are written by the bench, between marks."""

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "images" / "growth.svg"
JSON = ROOT / "build" / "bench.json"


def with_lines(page: str, name: str, lines: Sequence[str]) -> str:
    """Return a page with other lines between a pair of its marks.

    Args:
        page: The page.
        name: The marks': ``<!-- bench: NAME -->`` and ``<!-- bench: end of NAME -->``.
        lines: What is to stand there.

    Raises:
        ValueError: When the page lacks one of the marks.
    """
    begin, end = f"<!-- bench: {name} -->", f"<!-- bench: end of {name} -->"
    before, rest = page[: page.index(begin)], page[page.index(end) :]
    return "\n".join([before + begin, "", *lines, "", rest])
