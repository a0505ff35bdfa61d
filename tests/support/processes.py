"""A deployed function in a process of its own, as the Functions Framework runs it.

A run of the whole bundle under way, and what it prints.
"""

import contextlib
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dev.local.processes import run_process
from dev.local.processes import serve_function as serving_function

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


COMMAND_TIMEOUT_SECONDS = 40
DEV_COMMAND = [sys.executable, "-m", "dev"]
SIMULATION_SPEED = "600"


class LocalRun:
    """A run under way, and the lines that it has printed."""

    def __init__(self, child: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
        self.child = child
        self._lines = lines

    def wait_for(self, *words: str) -> set[str]:
        """Read on until each word has been seen; return those that have, or fail in time."""
        missing = set(words)
        while missing:
            line = self._lines.get(timeout=COMMAND_TIMEOUT_SECONDS)
            missing -= {word for word in missing if word in line}
        return set(words)

    def wait_for_line(self, *words: str) -> str:
        """Read on to a line that holds all of these words, and return it."""
        while True:
            line = self._lines.get(timeout=COMMAND_TIMEOUT_SECONDS)
            if all(word in line for word in words):
                return line

    def children(self) -> list[int]:
        """Return the processes that it started."""
        folder = Path(f"/proc/{self.child.pid}/task/{self.child.pid}")
        return [int(pid) for pid in (folder / "children").read_text().split()]


@contextlib.contextmanager
def start_local_run(port: int) -> Iterator[LocalRun]:
    """Have everything run at a port until the block ends."""
    lines = queue.SimpleQueue[str]()
    with run_process(
        [*DEV_COMMAND, "run", "--port", str(port), "--speed", SIMULATION_SPEED], lines.put
    ) as child:
        yield LocalRun(child, lines)
