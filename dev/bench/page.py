"""docs/performance.md: its tables are written by the bench, between marks."""

from collections.abc import Sequence
from pathlib import Path

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
PERFORMANCE_PAGE = REPOSITORY_ROOT / "docs" / "performance.md"
GROWTH_PLOT_FILE = REPOSITORY_ROOT / "docs" / "images" / "growth.svg"
BENCHMARK_JSON_FILE = REPOSITORY_ROOT / "build" / "bench.json"


def replace_marked_lines(page: str, name: str, lines: Sequence[str]) -> str:
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
