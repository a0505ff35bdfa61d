"""Start the set-up, so that Ctrl-C ends it with one sentence at any moment.

`make` runs this file before every other command. The handler is in place before the modules of the
set-up are imported, which takes a noticeable part of a second.
"""

import runpy
import signal
import sys
from pathlib import Path
from types import FrameType

INTERRUPTED_EXIT_CODE = 130


def end_interrupted(_signal_number: int, _frame: FrameType | None) -> None:
    """End the process; `finally` blocks still run and end what it started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not interrupt them
    sys.stderr.write("\nInterrupted: run the same command again to continue.\n")
    sys.exit(INTERRUPTED_EXIT_CODE)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, end_interrupted)
    runpy.run_path(str(Path(__file__).with_name("bootstrap.py")), run_name="__main__")
