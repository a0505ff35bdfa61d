"""Run child processes that end with the developer's command, and serve functions in them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.bootstrap import ROOT

LOOPBACK = "127.0.0.1"
MAIN_FILE = ROOT / "main.py"
_START_TIMEOUT_SECONDS = 60
_TERMINATION_TIMEOUT_SECONDS = 5.0
_POLL_INTERVAL_SECONDS = 0.02
_TETHER_SCRIPT = Path(__file__).with_name("exit_with_parent.py")


class ProcessFailedError(RuntimeError):
    """A child process ended early or did not respond in time; the message names it."""


def find_free_port() -> int:
    """Return a free TCP port (1024-65535) of the loopback interface."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_port_free(port: int) -> bool:
    """Return whether a TCP port of the loopback interface is free."""
    with socket.socket() as probe:
        # Without it, connections of a server that has ended keep the port for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def run_process(
    command: Sequence[str],
    on_line: Callable[[str], None],
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Run a command for a `with` block, and end it and its children afterwards.

    On Linux the child also ends with the calling *thread*: enter the block from a thread that lives
    longer. A program that cannot be started shows as output lines and an early end.

    Args:
        on_line: Called in another thread with each line of the output, without its end.
        env: The child's full environment; this process's when None.
    """
    child = subprocess.Popen(
        [sys.executable, "-IS", str(_TETHER_SCRIPT), str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=env,
        start_new_session=True,  # a process group of its own, for killpg
    )

    def forward_lines() -> None:
        if child.stdout is not None:
            with child.stdout:
                for line in child.stdout:
                    on_line(line.rstrip("\n"))

    reader = threading.Thread(target=forward_lines, daemon=True)
    reader.start()
    try:
        yield child
    finally:
        # SIGKILL always follows: children of the command may ignore SIGTERM.
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal_number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_TERMINATION_TIMEOUT_SECONDS)
        reader.join(_TERMINATION_TIMEOUT_SECONDS)


def wait_until_reachable(
    url: str, seconds: float, child: subprocess.Popen[str] | None = None
) -> None:
    """Wait until an HTTP server responds, with any status.

    Args:
        child: The server's process; its end ends the wait.

    Raises:
        ProcessFailedError: The process ended, or the time passed.
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            with contextlib.suppress(urllib.error.HTTPError):  # a status of an error responds too
                urllib.request.urlopen(url, timeout=1).close()
            return
        if child is not None and child.poll() is not None:
            raise ProcessFailedError(f"The process ended with exit code {child.returncode}.")
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"Nothing answered at {url} within {seconds:g} seconds.")
        time.sleep(_POLL_INTERVAL_SECONDS)


@dataclass(frozen=True, slots=True)
class FunctionServer:
    """A served function: its URL, TCP port and process."""

    url: str
    port: int
    process: subprocess.Popen[str]


@contextlib.contextmanager
def serve_function(
    target: str,
    variables: Mapping[str, str],
    on_line: Callable[[str], None] = lambda _line: None,
    source: Path = MAIN_FILE,
) -> Iterator[FunctionServer]:
    """Serve a function for a `with` block.

    `variables` is its full environment, except for variables that find programs and measure
    coverage.
    """
    port = find_free_port()
    command = ["functions_framework", "--source", str(source), "--target", target]
    address = ["--host", LOOPBACK, "--port", str(port)]
    inherited = {
        name: text for name, text in os.environ.items() if name.startswith(("PATH", "COV"))
    }
    environment = {**inherited, **variables}
    with run_process([sys.executable, "-m", *command, *address], on_line, environment) as child:
        url = f"http://{LOOPBACK}:{port}/"
        wait_until_reachable(url, _START_TIMEOUT_SECONDS, child)
        yield FunctionServer(url, port, child)
