"""A deployed function whose process is killed and started anew, always at one address."""

import os
import signal
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from dev.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable
from dev.serving import MAIN_FILE

if TYPE_CHECKING:
    import subprocess

_START_SECONDS = 60


class KillableFunction:
    """Serves a function, but for moments.

    Args:
        target: The function's name in ``main.py``.
        variables: Its whole environment, but for what finds programs and measures coverage.

    Attributes:
        url: Where it is served.
        lines: What its processes wrote.
    """

    def __init__(self, target: str, **variables: str) -> None:
        port = find_free_port()
        address = ["--host", LOOPBACK, "--port", str(port)]
        self._command = [sys.executable, "-m", "functions_framework", "--source", str(MAIN_FILE)]
        self._command += ["--target", target, *address]
        inherited = {
            name: text for name, text in os.environ.items() if name.startswith(("PATH", "COV"))
        }
        self._variables = inherited | variables
        self._stack = ExitStack()
        self._child: subprocess.Popen[str] | None = None
        self.url = f"http://{LOOPBACK}:{port}/"
        self.lines: list[str] = []

    def start(self) -> None:
        """Start a process, and wait until it answers."""
        child = run_process(self._command, self.lines.append, self._variables)
        self._child = self._stack.enter_context(child)
        wait_until_reachable(self.url, _START_SECONDS, self._child)

    def stop(self) -> None:
        """End the process."""
        self._stack.close()

    def kill(self) -> None:
        """Kill the process as ``kill -9`` does, and start another."""
        assert self._child is not None
        os.killpg(self._child.pid, signal.SIGKILL)
        self.stop()
        self.start()
