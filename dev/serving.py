"""A function in a process of its own, as the Functions Framework serves it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.processes import LOOPBACK, free_port, running, wait_until_answers

MAIN = Path(__file__).parents[1] / "main.py"
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Serving:
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
def serving(
    target: str,
    variables: Mapping[str, str],
    on_line: Callable[[str], None],
    source: Path = MAIN,
) -> Iterator[Serving]:
    """Serve a function until the block ends.

    Args:
        target: Its name in the source.
        variables: Its whole environment, but for what finds programs and measures coverage.
        on_line: Called with each line that it writes.
        source: The file that holds it.
    """
    port = free_port()
    command = ["functions_framework", "--source", str(source), "--target", target]
    place = ["--host", LOOPBACK, "--port", str(port)]
    kept = {name: text for name, text in os.environ.items() if name.startswith(("PATH", "COV"))}
    environment = {**kept, **variables}
    with running([sys.executable, "-m", *command, *place], on_line, environment) as child:
        url = f"http://{LOOPBACK}:{port}/"
        wait_until_answers(url, _START_SECONDS, child)
        yield Serving(url, port, child)
