"""Find every gcloud and npx command in the documentation and in the files of a release."""

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


def commands_in(program: str = "gcloud") -> dict[tuple[str, ...], str]:
    """Return the words of a program's every command, without its name, with the first location."""
    found: dict[tuple[str, ...], str] = {}
    for path in documentation_pages():
        for words in in_text(path.read_text(), program):
            found.setdefault(words, str(path.relative_to(ROOT)))
    return found


def documentation_pages() -> Iterator[Path]:
    """Yield the files with documented commands."""
    for pattern in PAGES:
        yield from sorted(ROOT.glob(pattern))


def in_text(text: str, program: str = "gcloud") -> Iterator[tuple[str, ...]]:
    """Yield a program's commands on separate lines or between backticks."""
    plain = _COMMENT.sub("", text.replace("\\\n", " "))
    lines = re.findall(rf"^{program} .+", plain, re.MULTILINE)
    for written in (*lines, *re.findall(rf"`({program} [^`]+)`", plain)):
        words = tuple(shlex.split(written, comments=True)[1:])
        if not (words[0] == "auth" and "login" in words):  # these ask the person at once
            yield words
