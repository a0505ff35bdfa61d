"""At a real terminal and in real processes: what is typed or piped in is seen nowhere again."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.endings import ExitCode
from sandbox.fault_injection import FailureKind
from tests.cli.harness import CLI_TIMEOUT_SECONDS, CliHarness

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and a Linux pty")
AT_A_TERMINAL = """
import os, sys
os.setsid()
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "dev", *sys.argv[1:]])
"""


class PseudoTerminal:
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
        return self.child.wait(CLI_TIMEOUT_SECONDS)

    def _read(self) -> str:
        return os.read(self._ours, 4096).decode()


@linux_only
def test_credentials_are_prompted_for_without_echo_at_a_terminal(cli_harness: CliHarness) -> None:
    cli_harness.write_secrets({})
    cli_harness.variables["OPENTABLE_PARTNER_SECRET"] = ""
    place = ["--rid", cli_harness.rid, "--time-zone", "America/New_York"]
    terminal = PseudoTerminal(["onboard", cli_harness.id, *place], cli_harness.variables)
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
    assert cli_harness.own_secret() == {
        "clientId": "demo-client",
        "clientSecret": "demo-secret",
        "bearerTokens": ["hunter2-the-token"],
    }


def test_credentials_can_be_piped_in(cli_harness: CliHarness) -> None:
    words = ("onboard", cli_harness.id, "--rid", cli_harness.rid, "--time-zone", "America/New_York")
    said = '{"bearerTokens": ["hunter2"]}'
    done = cli_harness.run_process(*words, "--credentials-file", "-", stdin=said)
    assert done.code == ExitCode.SUCCESS, done.errors
    assert cli_harness.own_secret() == {"bearerTokens": ["hunter2"]}
    assert "hunter2" not in done.out + done.errors


def test_invalid_credentials_give_a_one_line_error_without_quoting_them(
    cli_harness: CliHarness,
) -> None:
    words = ("onboard", cli_harness.id, "--rid", cli_harness.rid, "--time-zone", "America/New_York")
    done = cli_harness.run_process(
        *words, "--credentials-file", "-", stdin='{"bearerTokens": ["hünter2"]}'
    )
    assert (done.code, done.errors.count("\n")) == (ExitCode.FAILED, 1)
    assert "nter2" not in done.out + done.errors


def test_missing_cloud_credentials_give_a_one_line_error(
    cli_harness: CliHarness, tmp_path: Path
) -> None:
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_GCE_CHECK": "true"}
    words = ["status", cli_harness.id, "--project", "some-project"]
    done = subprocess.run(
        [sys.executable, "-m", "dev", *words],
        capture_output=True,
        text=True,
        timeout=CLI_TIMEOUT_SECONDS,
        env=variables,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        ExitCode.FAILED,
        "Sign in first: `gcloud auth application-default login`.\n",
    )


@linux_only
def test_an_interrupted_command_resumes_where_it_stopped(cli_harness: CliHarness) -> None:
    faults = cli_harness.opentable.sandbox.faults
    faults.script_failure(FailureKind.DELAY, path="/sync/v2/reservations", times=400, seconds=0.2)
    place = ["--rid", cli_harness.rid, "--time-zone", "America/New_York", "--webhook-auth", "none"]
    terminal = PseudoTerminal(["onboard", cli_harness.id, *place], cli_harness.variables)
    terminal.wait_for(" 14 of 396 days")
    terminal.child.send_signal(signal.SIGINT)
    assert (terminal.end(), "run the same command again" in terminal.seen) == (
        ExitCode.INTERRUPTED,
        True,
    )
    faults.clear()
    begun = cli_harness.run_process("status", cli_harness.id, "--json").json_output["backfill"]
    assert (begun["status"], begun["daysDone"] < 396) == ("RUNNING", True)
    done = cli_harness.run_process("onboard", cli_harness.id, *place, "--json").json_output[
        "backfill"
    ]
    assert (done["status"], done["startedAt"]) == ("COMPLETED", begun["startedAt"])
