"""Starts the Firestore emulator: `python -m dev.emulator [--port N | --prepare]`."""

import argparse
import collections
import contextlib
import signal
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.emulator_jar import (
    EMULATOR_MAIN_CLASS,
    JarMissingError,
    ensure_jar,
    read_required_java_version,
)
from dev.java import Java, JavaMissingError, ensure_java
from dev.processes import (
    LOOPBACK,
    ProcessFailedError,
    find_free_port,
    is_port_free,
    run_process,
    wait_until_reachable,
)

_DEFAULT_HEAP_GIB = 2  # room for some hundred thousand small documents, and no more
_START_TIMEOUT_SECONDS = 60
_CLEAR_TIMEOUT_SECONDS = 30
_MAX_OUTPUT_LINES = 20


class EmulatorError(RuntimeError):
    """The emulator cannot run; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running Firestore emulator.

    Attributes:
        host: Its address as FIRESTORE_EMULATOR_HOST wants it, e.g. "127.0.0.1:8787".
    """

    host: str

    def clear(self, project: str) -> None:
        """Delete every document of a project's default database.

        Args:
            project: Google Cloud project id; it need not exist anywhere.

        Raises:
            OSError: The emulator does not answer.
        """
        path = f"/emulator/v1/projects/{project}/databases/(default)/documents"
        request = urllib.request.Request(f"http://{self.host}{path}", method="DELETE")
        urllib.request.urlopen(request, timeout=_CLEAR_TIMEOUT_SECONDS).close()


@contextlib.contextmanager
def start_emulator(
    port: int | None = None, heap_gib: int = _DEFAULT_HEAP_GIB, *, allow_gc_pauses: bool = True
) -> Iterator[Emulator]:
    """Run a Firestore emulator for the length of a `with` block.

    Args:
        port: TCP port (1-65535) on the loopback interface; any free one when None.
        heap_gib: The most memory that its documents may take; beyond, it all but stands still.
        allow_gc_pauses: Whether it may stand still for a tenth of a second and more to tidy its
            memory,
            which costs the least; else it tidies while it works.

    Yields:
        The emulator, ready to answer.

    Raises:
        EmulatorError: The port is taken, something is missing, or it did not start.
    """
    port = port or find_free_port()
    if not is_port_free(port):
        raise EmulatorError(f"Port {port} is taken: stop what listens there or choose another.")
    host = f"{LOOPBACK}:{port}"
    lines = collections.deque[str](maxlen=_MAX_OUTPUT_LINES)
    with run_process(
        _build_command(port, heap_gib, allow_gc_pauses=allow_gc_pauses), lines.append
    ) as child:
        try:
            wait_until_reachable(f"http://{host}/", _START_TIMEOUT_SECONDS, child)
        except ProcessFailedError as error:
            output = "\n".join(lines)
            raise EmulatorError(f"The emulator did not start. {error}\n{output}") from error
        yield Emulator(host)


def ensure_emulator_files() -> tuple[Java, Path]:
    """Return a Java runtime and the emulator's jar, fetching what this machine lacks.

    Raises:
        EmulatorError: One is missing and could not be fetched.
    """
    try:
        jar = ensure_jar()
        return ensure_java(read_required_java_version(jar)), jar
    except (JarMissingError, JavaMissingError) as error:
        raise EmulatorError(str(error)) from error


def main() -> None:
    """Run the command line: an emulator until interrupted, or only what it needs."""
    parser = argparse.ArgumentParser(prog="python -m dev.emulator", description=__doc__)
    parser.add_argument("--port", type=int, help="port on the loopback interface; default any")
    parser.add_argument("--prepare", action="store_true", help="fetch what is missing and end")
    options = parser.parse_args()
    try:
        if options.prepare:
            ensure_emulator_files()
        else:
            _run_until_interrupted(options.port)
    except EmulatorError as error:
        sys.exit(str(error))


def _build_command(port: int, heap_gib: int, *, allow_gc_pauses: bool) -> list[str]:
    # The main class is named because the Cloud SDK's jar has no manifest entry for it; the SDK's
    # own launcher is avoided because ending that leaves Java running.
    java, jar = ensure_emulator_files()
    address = ["--host", LOOPBACK, "--port", str(port)]
    memory = [f"-Xmx{heap_gib}g", *([] if allow_gc_pauses else ["-XX:+UseZGC"])]
    return [str(java.executable), *memory, "-cp", str(jar), EMULATOR_MAIN_CLASS, *address]


def _run_until_interrupted(port: int | None) -> None:
    with start_emulator(port) as emulator, contextlib.suppress(KeyboardInterrupt):
        print(f"export FIRESTORE_EMULATOR_HOST={emulator.host}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
