"""A run of the whole bundle under way, and what it prints."""

import contextlib
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dev.processes import run_process

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
