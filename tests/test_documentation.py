"""The links in the pages lead somewhere, and the commands in them are real."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.command_line import build_parser
from tests.support.commands import find_command

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(
    r"(?:^|`|: |\$ )(?:\.venv/bin/)?(?:python -m (dev [^`\n]*)|(ledger [^`\n]*))", re.MULTILINE
)
MAKE = re.compile(r"(?:^|`)(make [a-z][^`\n]*)", re.MULTILINE)


def linked_tests(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the targets of a page's relative links: file and anchor."""
    for target in TARGET.findall(FENCE.sub("", page.read_text())):
        if "://" not in target and not target.startswith("mailto:"):
            file, _, anchor = target.partition("#")
            yield (page.parent / file).resolve() if file else page, anchor


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


def documented_commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found in COMMAND.findall(page.read_text()):
            yield linked_tests(page), "".join(found)


def targets() -> set[str]:
    found = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return set(found)


@pytest.mark.parametrize("page", PAGES, ids=linked_tests)
def test_every_link_leads_to_a_file(page: Path) -> None:
    assert [str(file) for file, _ in links(page) if not file.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=linked_tests)
def test_every_anchor_is_a_heading(page: Path) -> None:
    linked = [(file, anchor) for file, anchor in links(page) if anchor and file.suffix == ".md"]
    assert [
        (linked_tests(file), anchor) for file, anchor in linked if anchor not in anchors(file)
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=linked_tests)
def test_every_test_that_is_named_is_there(page: Path) -> None:
    linked = [(file, anchor) for file, anchor in links(page) if anchor and file.suffix == ".py"]
    missing = [(file, name) for file, name in linked if f"def {name}(" not in file.read_text()]
    assert [(linked_tests(file), name) for file, name in missing] == []


def test_every_guarantee_links_its_test() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text()
    rows = [row for row in page.splitlines() if row.startswith("| **")]
    assert len(rows) > 10
    assert [row for row in rows if not re.search(r"\]\(\.\./tests/.*#test_", row)] == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            ahead += [file for file, _ in links(page)]
    assert [linked_tests(page) for page in PAGES if page not in reached] == []


@pytest.mark.parametrize("page, command", list(documented_commands()))
def test_every_command_is_one_that_the_command_line_reads(page: str, command: str) -> None:
    words = shlex.split(command.partition(" | ")[0], comments=True)
    assert page
    if words[0] == "dev":
        build_parser().parse_args(words[1:])
    else:
        find_command(words)


def test_every_make_target_is_one_of_the_makefiles() -> None:
    quoted = {
        (linked_tests(page), word)
        for page in PAGES
        for command in MAKE.findall(page.read_text())
        for word in shlex.split(command, comments=True)[1:]
        if "=" not in word
    }
    assert {(page, word) for page, word in quoted if word not in targets()} == set()


def test_every_threat_links_its_test() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    section = page.partition("\n## Threats\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert rows
    assert [row for row in rows if "](../tests/" not in row.rpartition(" | ")[2]] == []


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=linked_tests
)
def test_every_decision_has_the_same_parts(page: Path) -> None:
    parts = re.findall(r"^\*\*(.+?)\*\* ", page.read_text(), re.MULTILINE)
    assert [part for part in parts if part != "Rejected."] == [
        "Decision.",
        "Why.",
        "Cost.",
        "Revisit when",
    ]
    assert f"]({page.name})" in (page.parent / "README.md").read_text()


def test_some_commands_and_links_are_found_at_all() -> None:
    assert len(list(documented_commands())) > 10
    assert sum(len(list(links(page))) for page in PAGES) > 20
