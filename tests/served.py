"""A deployed function in a process of its own, as the Functions Framework runs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dev.serving import serve_function as serving_function

SECONDS = 30


@dataclass(slots=True)
class Output:
    """What a process has written so far, line by line."""

    lines: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def add(self, line: str) -> None:
        """Take a line."""
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def wait_for(self, text: str) -> str:
        """Return the first line that holds a text; fail where none ever does."""
        with self._news:
            found = self._news.wait_for(lambda: self._first(text), SECONDS)
        assert found, f"no line with {text}"
        return found

    def _first(self, text: str) -> str | None:
        return next((line for line in self.lines if text in line), None)


@dataclass(frozen=True, slots=True)
class Served:
    """A function that is being served.

    Attributes:
        url: Where.
        output: What its process writes.
    """

    url: str
    output: Output


@contextmanager
def serving(target: str, **variables: str) -> Iterator[Served]:
    """Serve a function until the block ends.

    Args:
        target: Its name in ``main.py``.
        variables: Its whole environment, but for what finds programs and measures coverage.
    """
    output = Output()
    with serving_function(target, variables, output.add) as function:
        yield Served(function.url, output)
