"""Replace the generated lines of a page of the documentation."""

from collections.abc import Iterable


def replace_generated_lines(page: str, begin: str, end: str, lines: Iterable[str]) -> str:
    """Return a page with other lines between two marks.

    Raises:
        ValueError: A mark is missing.
    """
    before, after = page[: page.index(begin)], page[page.index(end) :]
    # Markdown needs an empty line between an HTML comment and a table.
    return "\n".join([before + begin, "", *lines, "", after])
