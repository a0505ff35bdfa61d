"""Every gcloud command in the documentation, the build and the code."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from dev.bootstrap import ROOT
from dev.deploy.plan import plan
from dev.deploy.target import FOLDER, Target, read_target

PAGES = (
    "*.md",
    "docs/*.md",
    "docs/decisions/*.md",
    "*.yaml",
    ".ci/run",
    "Makefile",
    "deploy/*.toml",
)
_COMMENT = re.compile(r"^ *#? ?(\$ )?", re.MULTILINE)
_LINE = re.compile(r"^(?:gcloud) .+", re.MULTILINE)
_INLINE = re.compile(r"`(gcloud [^`]+)`")


def make_targets_in() -> list[Target]:
    """Return every environment of the repository."""
    return [read_target(path.stem) for path in sorted(FOLDER.glob("*.toml"))]


def commands_in() -> dict[tuple[str, ...], str]:
    """Return the words of every command, without "gcloud", with its first location."""
    found: dict[tuple[str, ...], str] = {}
    for target in make_targets_in():
        for part, words in plan(target):
            found.setdefault(words[1:], f"deploy/{target.name}.toml, {part}")
    for path in documentation_pages():
        for words in in_text(path.read_text()):
            found.setdefault(words, str(path.relative_to(ROOT)))
    return found


def documentation_pages() -> Iterator[Path]:
    """Yield the files with documented commands."""
    for pattern in PAGES:
        yield from sorted(ROOT.glob(pattern))


def in_text(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the commands on separate lines or between backticks."""
    plain = _COMMENT.sub("", text.replace("\\\n", " "))
    for written in (*_LINE.findall(plain), *_INLINE.findall(plain)):
        words = tuple(shlex.split(written, comments=True)[1:])
        if not (words[0] == "auth" and words[-1] == "login"):  # these ask the person at once
            yield words
