"""Child processes end with the block and with their parent, including their own children."""

import os
import queue
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dev.local.processes import (
    LOOPBACK,
    ProcessFailedError,
    find_free_port,
    is_port_free,
    run_process,
    wait_until_reachable,
)

SECONDS = 20
ROOT = Path(__file__).parents[3]
WAITING = "print('ready', flush=True); signal.pause()"
IDLE = f"import signal; {WAITING}"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITING}"
WITH_A_CHILD = f"""
import signal, subprocess, sys
print(subprocess.Popen([sys.executable, "-c", {IDLE!r}], stdout=subprocess.DEVNULL).pid, flush=True)
signal.pause()
"""
PARENT = f"""
import signal, sys
from dev.local.processes import run_process
command = [sys.executable, "-c", {IDLE!r}]
with run_process(command, lambda line: print(child.pid, flush=True)) as child:
    signal.pause()
"""

needs_pidfd = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can wait for any pid")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def ends(pid: int) -> bool:
    """Return whether a process ends in time, without polling."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor) as handle:
        return bool(select.select([handle], [], [], SECONDS)[0])


def test_a_free_port_can_be_listened_on() -> None:
    assert is_port_free(find_free_port())


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        assert not is_port_free(server.getsockname()[1])


def test_lines_of_output_and_errors_reach_the_caller() -> None:
    lines = queue.SimpleQueue[str]()
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    with run_process(python(code), lines.put):
        assert [lines.get(timeout=SECONDS), lines.get(timeout=SECONDS)] == ["out", "err"]


def test_a_child_sees_only_the_environment_it_is_given() -> None:
    lines = queue.SimpleQueue[str]()
    code = "import os; print(os.environ.get('HOME'), os.environ['GIVEN'])"
    with run_process(python(code), lines.put, env={"GIVEN": "1"}):
        assert lines.get(timeout=SECONDS) == "None 1"


@pytest.mark.parametrize("code", [IDLE, STUBBORN], ids=["idle", "stubborn"])
def test_a_child_has_ended_when_the_block_is_left(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.local.processes._TERMINATION_TIMEOUT_SECONDS", 0.5)
    lines = queue.SimpleQueue[str]()
    with run_process(python(code), lines.put) as child:
        lines.get(timeout=SECONDS)
    assert child.returncode in {-signal.SIGTERM, -signal.SIGKILL}


@needs_pidfd
def test_a_childs_own_children_end_with_it() -> None:
    lines = queue.SimpleQueue[str]()
    with run_process(python(WITH_A_CHILD), lines.put):
        grandchild = int(lines.get(timeout=SECONDS))
    assert ends(grandchild)


@needs_pidfd
def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(python(PARENT), stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    assert ends(child)


def test_waiting_ends_early_when_the_server_has_ended() -> None:
    with (
        run_process(python("raise SystemExit(3)"), print) as child,
        pytest.raises(ProcessFailedError, match="exit code 3"),
    ):
        wait_until_reachable(f"http://{LOOPBACK}:{find_free_port()}/", SECONDS, child)


def test_waiting_ends_when_its_time_has_passed() -> None:
    with pytest.raises(ProcessFailedError, match=r"within 0\.1 seconds"):
        wait_until_reachable(f"http://{LOOPBACK}:{find_free_port()}/", 0.1)


def test_an_error_status_is_an_answer() -> None:
    port = find_free_port()
    command = [sys.executable, "-m", "http.server", "--bind", LOOPBACK, str(port)]
    with run_process(command, print) as child:
        wait_until_reachable(f"http://{LOOPBACK}:{port}/no-such-file", SECONDS, child)
