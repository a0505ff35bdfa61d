"""Start the Firestore emulator: `python -m dev.local.emulator [--port N | --prepare]`."""

import argparse
import collections
import contextlib
import signal
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from dev.local.emulator_files import EMULATOR_MAIN_CLASS, EmulatorError, ensure_emulator_files
from dev.local.processes import (
    LOOPBACK,
    ProcessFailedError,
    find_free_port,
    is_port_free,
    run_process,
    wait_until_reachable,
)

_DEFAULT_HEAP_GIB = 2  # enough for some hundred thousand small documents
_START_TIMEOUT_SECONDS = 60
_CLEAR_TIMEOUT_SECONDS = 30
_MAX_OUTPUT_LINES = 20


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running Firestore emulator; `host` is the value of FIRESTORE_EMULATOR_HOST."""

    host: str

    def clear(self, project: str) -> None:
        """Delete every document of a project's default database."""
        path = f"/emulator/v1/projects/{project}/databases/(default)/documents"
        request = urllib.request.Request(f"http://{self.host}{path}", method="DELETE")
        urllib.request.urlopen(request, timeout=_CLEAR_TIMEOUT_SECONDS).close()


@contextlib.contextmanager
def start_emulator(
    port: int | None = None,
    heap_gib: int = _DEFAULT_HEAP_GIB,
    *,
    allow_gc_pauses: bool = True,
    optimize: bool = False,
) -> Iterator[Emulator]:
    """Run a Firestore emulator for a `with` block.

    Args:
        port: Any free one when None.
        heap_gib: Limit of the documents' memory; the emulator almost stops beyond it.
        allow_gc_pauses: Allow pauses of a tenth of a second and more, which cost the least
            processor time.
        optimize: Let Java compile frequent code a second time. That takes half a minute of
            processor time and pays off after hours.

    Raises:
        EmulatorError: The port is taken, a file is missing, or it did not start.
    """
    port = port or find_free_port()
    if not is_port_free(port):
        raise EmulatorError(f"Port {port} is taken: stop what listens there or choose another.")
    host = f"{LOOPBACK}:{port}"
    lines = collections.deque[str](maxlen=_MAX_OUTPUT_LINES)
    java, jar = ensure_emulator_files()
    address = ["--host", LOOPBACK, "--port", str(port)]
    options = [f"-Xmx{heap_gib}g"]
    if not allow_gc_pauses:
        options.append("-XX:+UseZGC")
    if not optimize:
        options.append("-XX:TieredStopAtLevel=1")
    # Name the main class: the Cloud SDK's jar has no manifest entry for it. Do not use the
    # SDK's launcher: its end leaves Java running.
    command = [str(java), *options, "-cp", str(jar), EMULATOR_MAIN_CLASS, *address]
    with run_process(command, lines.append) as child:
        try:
            wait_until_reachable(f"http://{host}/", _START_TIMEOUT_SECONDS, child)
        except ProcessFailedError as error:
            output = "\n".join(lines)
            raise EmulatorError(f"The emulator did not start. {error}\n{output}") from error
        yield Emulator(host)


def main() -> None:
    """Run the emulator until interrupted, or only download its files."""
    parser = argparse.ArgumentParser(prog="python -m dev.local.emulator", description=__doc__)
    parser.add_argument(
        "--port", type=int, help="port on the loopback interface (default: any free one)"
    )
    parser.add_argument("--prepare", action="store_true", help="download missing files, and exit")
    options = parser.parse_args()
    try:
        if options.prepare:
            ensure_emulator_files()
        else:
            with start_emulator(options.port) as emulator, contextlib.suppress(KeyboardInterrupt):
                print(f"export FIRESTORE_EMULATOR_HOST={emulator.host}", flush=True)
                signal.pause()
    except EmulatorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
