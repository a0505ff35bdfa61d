"""Every gcloud command in the documentation and in the files of a release."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from dev.bootstrap import ROOT

PAGES = (
    "*.md",
    "docs/*.md",
    "docs/decisions/*.md",
    ".ci/run",
    "Makefile",
    "infra/*.tf",
    "infra/*.tfvars",
)
_COMMENT = re.compile(r"^ *#? ?(\$ )?", re.MULTILINE)
_LINE = re.compile(r"^(?:gcloud) .+", re.MULTILINE)
_INLINE = re.compile(r"`(gcloud [^`]+)`")


def commands_in() -> dict[tuple[str, ...], str]:
    """Return the words of every command, without "gcloud", with its first location."""
    found: dict[tuple[str, ...], str] = {}
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
