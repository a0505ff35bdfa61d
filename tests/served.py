"""A deployed function in a process of its own, as the Functions Framework runs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dev.serving import serve_function as serving_function

OUTPUT_TIMEOUT_SECONDS = 30


@dataclass(slots=True)
class ProcessOutput:
    """What a process has written so far, line by line."""

    lines: list[str] = field(default_factory=list)
    _line_added: threading.Condition = field(default_factory=threading.Condition)

    def add(self, line: str) -> None:
        """Take a line."""
        with self._line_added:
            self.lines.append(line)
            self._line_added.notify_all()

    def wait_for(self, text: str) -> str:
        """Return the first line that holds a text; fail where none ever does."""
        with self._line_added:
            line = self._line_added.wait_for(
                lambda: self._first_line_with(text), OUTPUT_TIMEOUT_SECONDS
            )
        assert line, f"no line with {text}"
        return line

    def _first_line_with(self, text: str) -> str | None:
        return next((line for line in self.lines if text in line), None)


@dataclass(frozen=True, slots=True)
class ServedFunction:
    """A function that is being served.

    Attributes:
        url: Where.
        output: What its process writes.
    """

    url: str
    output: ProcessOutput


@contextmanager
def serve_deployed_function(target: str, **variables: str) -> Iterator[ServedFunction]:
    """Serve a function until the block ends.

    Args:
        target: Its name in ``main.py``.
        variables: Its whole environment, but for what finds programs and measures coverage.
    """
    output = ProcessOutput()
    with serving_function(target, variables, output.add) as function:
        yield ServedFunction(function.url, output)
