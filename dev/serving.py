"""A function in a process of its own, as the Functions Framework serves it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable

MAIN_FILE = Path(__file__).parents[1] / "main.py"
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
