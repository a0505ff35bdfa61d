"""Child processes that never outlive the developer's command.

A function in a process of its own, as the Functions Framework serves it.
"""

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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
_TERMINATION_TIMEOUT_SECONDS = 5.0
_POLL_INTERVAL_SECONDS = 0.02
_TETHER_SCRIPT = Path(__file__).with_name("exit_with_parent.py")


class ProcessFailedError(RuntimeError):
    """A child process ended too early or did not answer in time; the text says which."""


def find_free_port() -> int:
    """Return a TCP port (1024-65535) that nothing on the loopback interface holds right now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_port_free(port: int) -> bool:
    """Tell whether a TCP port (1-65535) on the loopback interface can be listened on."""
    with socket.socket() as probe:
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
    """Run a command for the length of a `with` block, and end it and its children afterwards.

    On Linux the child also ends when the calling *thread* does, however that came about: enter
    the block from a thread that outlives it.

    Args:
        command: Program and arguments.
        on_line: Called from a thread of its own with each line of the child's output and errors,
            without the line's end.
        env: The child's whole environment; ours when None.

    Yields:
        The running process, the leader of a process group of its own. A program that cannot be
        started shows as lines that say so and an early end.
    """
    child = subprocess.Popen(
        [sys.executable, "-IS", str(_TETHER_SCRIPT), str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=env,
        start_new_session=True,
    )
    reader = threading.Thread(target=_forward_lines, args=(child, on_line), daemon=True)
    reader.start()
    try:
        yield child
    finally:
        _terminate(child)
        reader.join(_TERMINATION_TIMEOUT_SECONDS)


def wait_until_reachable(
    url: str, seconds: float, child: subprocess.Popen[str] | None = None
) -> None:
    """Wait until an HTTP server answers anything at all.

    Args:
        url: An address that the server serves, an error status included.
        seconds: The longest wait.
        child: The server's process where it is ours; its end ends the wait.

    Raises:
        ProcessFailedError: The process ended, or the time passed without an answer.
    """
    deadline = time.monotonic() + seconds
    while not _is_reachable(url):
        if child is not None and child.poll() is not None:
            raise ProcessFailedError(f"The process ended with exit code {child.returncode}.")
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"Nothing answered at {url} within {seconds:g} seconds.")
        time.sleep(_POLL_INTERVAL_SECONDS)


def _is_reachable(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _forward_lines(child: subprocess.Popen[str], on_line: Callable[[str], None]) -> None:
    if child.stdout is not None:
        with child.stdout:
            for line in child.stdout:
                on_line(line.rstrip("\n"))


def _terminate(child: subprocess.Popen[str]) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_TERMINATION_TIMEOUT_SECONDS)


MAIN_FILE = Path(__file__).parents[2] / "main.py"
_START_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class FunctionServer:
    """A function that is being served.

    Attributes:
        url: Where.
        port: The TCP port of that address.
        process: The server.
    """

    url: str
    port: int
    process: subprocess.Popen[str]


@contextmanager
def serve_function(
    target: str,
    variables: Mapping[str, str],
    on_line: Callable[[str], None],
    source: Path = MAIN_FILE,
) -> Iterator[FunctionServer]:
    """Serve a function until the block ends.

    Args:
        target: Its name in the source.
        variables: Its whole environment, but for what finds programs and measures coverage.
        on_line: Called with each line that it writes.
        source: The file that holds it.
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
