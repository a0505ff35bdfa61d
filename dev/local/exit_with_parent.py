"""Replace this process by a command that ends with its parent.

Usage: `exit_with_parent.py PARENT_PID PROGRAM [ARGUMENT ...]`. The request to the kernel happens
here, between start and exec, because `preexec_fn` in the parent is unsafe with gRPC's threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main(parent: int, command: list[str]) -> None:
    """Replace this process by a command that receives SIGTERM when its parent ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        # The kernel sends nothing if the parent ended before the request.
        if os.getppid() != parent:
            sys.exit("The parent process ended before this one started.")
    os.execvp(command[0], command)  # noqa: S606 -- a shell in between would get the signal instead


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
