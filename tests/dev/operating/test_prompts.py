"""At a real terminal and in real processes: what is typed or piped in is seen nowhere again."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dev.operating.endings import ExitCode
from dev.sandbox.faults import FailureKind
from tests.dev.operating.shop import SECONDS, Shop

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and a Linux pty")
AT_A_TERMINAL = """
import os, sys
os.setsid()
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "dev", *sys.argv[1:]])
"""


class Terminal:
    """A terminal with a command at it."""

    def __init__(self, words: list[str], variables: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-c", AT_A_TERMINAL, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=variables,
        )
        os.close(theirs)
        self.seen = ""

    def wait_for(self, text: str) -> None:
        """Read until a text is seen; fail where the command ends before it."""
        while text not in self.seen:
            self.seen += self._read()

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{line}\n".encode())

    def command_line(self) -> str:
        """Return what a list of processes shows of the command."""
        return Path(f"/proc/{self.child.pid}/cmdline").read_text()

    def end(self) -> int:
        """Read to the end, and return the exit code."""
        try:
            while True:
                self.seen += self._read()
        except OSError:
            os.close(self._ours)
        return self.child.wait(SECONDS)

    def _read(self) -> str:
        return os.read(self._ours, 4096).decode()


@linux_only
def test_at_a_terminal_credentials_are_asked_for_and_never_shown(shop: Shop) -> None:
    shop.keep({})
    shop.variables["OPENTABLE_PARTNER_SECRET"] = ""
    place = ["--rid", shop.rid, "--time-zone", "America/New_York"]
    terminal = Terminal(["onboard", shop.id, *place], shop.variables)
    terminal.wait_for("client id")
    terminal.type("demo-client")
    terminal.wait_for("client secret: ")
    terminal.type("demo-secret")
    terminal.wait_for("Bearer token")
    terminal.type("hunter2-the-token")
    shown = terminal.command_line()
    assert terminal.end() == ExitCode.SUCCESS, terminal.seen
    assert not re.search("demo-secret|hunter2", terminal.seen + shown)
    assert "of 396 days" in terminal.seen
    assert shop.own_secret() == {
        "clientId": "demo-client",
        "clientSecret": "demo-secret",
        "bearerTokens": ["hunter2-the-token"],
    }


def test_credentials_can_be_piped_in(shop: Shop) -> None:
    words = ("onboard", shop.id, "--rid", shop.rid, "--time-zone", "America/New_York")
    said = '{"bearerTokens": ["hunter2"]}'
    done = shop.process(*words, "--credentials-file", "-", said=said)
    assert done.code == ExitCode.SUCCESS, done.errors
    assert shop.own_secret() == {"bearerTokens": ["hunter2"]}
    assert "hunter2" not in done.out + done.errors


def test_what_cannot_be_used_is_one_sentence_that_repeats_nothing(shop: Shop) -> None:
    words = ("onboard", shop.id, "--rid", shop.rid, "--time-zone", "America/New_York")
    done = shop.process(*words, "--credentials-file", "-", said='{"bearerTokens": ["hünter2"]}')
    assert (done.code, done.errors.count("\n")) == (ExitCode.FAILED, 1)
    assert "nter2" not in done.out + done.errors


def test_without_a_sign_in_the_cloud_is_one_sentence(shop: Shop, tmp_path: Path) -> None:
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_GCE_CHECK": "true"}
    words = ["status", shop.id, "--project", "some-project"]
    done = subprocess.run(
        [sys.executable, "-m", "dev", *words],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=variables,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        ExitCode.FAILED,
        "Sign in first: `gcloud auth application-default login`.\n",
    )


@linux_only
def test_interrupted_in_the_middle_it_goes_on_where_it_stopped(shop: Shop) -> None:
    faults = shop.opentable.sandbox.faults
    faults.script_failure(FailureKind.DELAY, path="/sync/v2/reservations", times=400, seconds=0.2)
    place = ["--rid", shop.rid, "--time-zone", "America/New_York", "--webhook-auth", "none"]
    terminal = Terminal(["onboard", shop.id, *place], shop.variables)
    terminal.wait_for(" 14 of 396 days")
    terminal.child.send_signal(signal.SIGINT)
    assert (terminal.end(), "run the same command again" in terminal.seen) == (
        ExitCode.INTERRUPTED,
        True,
    )
    faults.clear()
    begun = shop.process("status", shop.id, "--json").told["backfill"]
    assert (begun["status"], begun["daysDone"] < 396) == ("RUNNING", True)
    done = shop.process("onboard", shop.id, *place, "--json").told["backfill"]
    assert (done["status"], done["startedAt"]) == ("COMPLETED", begun["startedAt"])
