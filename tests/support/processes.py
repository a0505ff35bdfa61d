"""Served functions and local runs in their own processes, and applications in a thread."""

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from dev.local.processes import LOOPBACK, run_process, wait_until_reachable
from dev.local.processes import serve_function as serving_function

OUTPUT_TIMEOUT_SECONDS = 30


@contextmanager
def serve_app(app: Starlette, port: int) -> Iterator[None]:
    """Serve an application in a thread for a `with` block."""
    config = uvicorn.Config(app, LOOPBACK, port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until_reachable(f"http://{LOOPBACK}:{port}", OUTPUT_TIMEOUT_SECONDS)
        yield
    finally:
        server.should_exit = server.force_exit = True
        thread.join(OUTPUT_TIMEOUT_SECONDS)


@dataclass(slots=True)
class ProcessOutput:
    """The output lines of a process so far."""

    lines: list[str] = field(default_factory=list)
    _line_added: threading.Condition = field(default_factory=threading.Condition)

    def add(self, line: str) -> None:
        """Take a line."""
        with self._line_added:
            self.lines.append(line)
            self._line_added.notify_all()

    def wait_for(self, text: str) -> str:
        """Return the first line with a text; fail after a timeout."""
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
    """A served function: its URL and the output of its process."""

    url: str
    output: ProcessOutput


@contextmanager
def serve_deployed_function(target: str, **variables: str) -> Iterator[ServedFunction]:
    """Serve a function of ``main.py`` for a `with` block."""
    output = ProcessOutput()
    with serving_function(target, variables, output.add) as function:
        yield ServedFunction(function.url, output)


COMMAND_TIMEOUT_SECONDS = 40
DEV_COMMAND = [sys.executable, "-m", "dev"]
SIMULATION_SPEED = "600"


class LocalRunProcess:
    """A local run and its output."""

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
        """Read to a line with all these words, and return it."""
        while True:
            line = self._lines.get(timeout=COMMAND_TIMEOUT_SECONDS)
            if all(word in line for word in words):
                return line

    def read_rest(self, last: str) -> list[str]:
        """Read to a last line, and return what was not read before."""
        lines = [self._lines.get(timeout=COMMAND_TIMEOUT_SECONDS)]
        while lines[-1] != last:
            lines.append(self._lines.get(timeout=COMMAND_TIMEOUT_SECONDS))
        return lines

    def children(self) -> list[int]:
        """Return the child processes of the run."""
        folder = Path(f"/proc/{self.child.pid}/task/{self.child.pid}")
        return [int(pid) for pid in (folder / "children").read_text().split()]


@contextmanager
def start_local_run(port: int) -> Iterator[LocalRunProcess]:
    """Have everything run at a port until the block ends."""
    lines = queue.SimpleQueue[str]()
    with run_process(
        [*DEV_COMMAND, "run", "--port", str(port), "--speed", SIMULATION_SPEED], lines.put
    ) as child:
        yield LocalRunProcess(child, lines)
