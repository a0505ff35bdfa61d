"""Becomes the given command, tied to its parent: `tether.py PARENT_PID PROGRAM [ARGUMENT ...]`.

Asking the kernel from here, between start and exec, keeps the parent free of `preexec_fn`, which
is unsafe beside gRPC's threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main(parent: int, command: list[str]) -> None:
    """Replace this process by a command that gets SIGTERM when its parent dies (Linux only).

    Args:
        parent: Process id of the parent.
        command: Program and arguments.

    Raises:
        OSError: The program cannot be started.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit("The parent had gone before its child began.")
    os.execvp(command[0], command)  # noqa: S606  a shell between would hide the process


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
