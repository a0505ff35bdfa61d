"""Separate processes, at a terminal and with pipes: secrets are never shown."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.output import ExitCode
from sandbox.fault_injection import FailureKind
from tests.cli.harness import CLI_TIMEOUT_SECONDS, CliHarness, CommandOutput

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and a Linux pty")
# A hidden prompt reads from the controlling terminal, so the pty must become that.
RUN_AT_A_TERMINAL = """
import os, sys
os.setsid()
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "cli", *sys.argv[1:]])
"""


class PseudoTerminal:
    """A terminal that runs one command."""

    def __init__(self, cli_harness: CliHarness, command: str, *options: str) -> None:
        self._parent_end, child_end = pty.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-c", RUN_AT_A_TERMINAL, *command.split(), cli_harness.id, *options],
            stdin=child_end,
            stdout=child_end,
            stderr=child_end,
            env=cli_harness.variables,
        )
        os.close(child_end)
        self.screen = ""

    def wait_for(self, text: str) -> None:
        """Read until a text is shown; fail if the command ends first."""
        while text not in self.screen:
            try:
                self.screen += self._read()
            except OSError:
                code = self.child.wait(CLI_TIMEOUT_SECONDS)
                pytest.fail(f"ended with exit code {code} before {text!r}:\n{self.screen}")

    def type(self, text: str) -> None:
        """Send text to the command."""
        os.write(self._parent_end, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C as soon as the command sleeps in its read.

        Python loses a signal that arrives between the prompt's text and the read. No person types
        that fast.
        """
        stat = Path(f"/proc/{self.child.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "S":
            pass
        self.type("\x03")

    def read_command_line(self) -> str:
        """Return what the process list shows of the command."""
        return Path(f"/proc/{self.child.pid}/cmdline").read_text()

    def wait(self) -> int:
        """Read to the end, and return the exit code."""
        try:
            while True:
                self.screen += self._read()
        except OSError:
            os.close(self._parent_end)
        return self.child.wait(CLI_TIMEOUT_SECONDS)

    def _read(self) -> str:
        if not select.select([self._parent_end], [], [], CLI_TIMEOUT_SECONDS)[0]:
            self.child.kill()
            pytest.fail(f"no output in {CLI_TIMEOUT_SECONDS} s after:\n{self.screen}")
        return os.read(self._parent_end, 4096).decode(errors="replace")


def onboard_without_partner_secret(cli_harness: CliHarness) -> PseudoTerminal:
    """Start `restaurants add`, and wait until it asks for the first credential."""
    cli_harness.secrets_path.write_text("{}")
    cli_harness.variables["OPENTABLE_PARTNER_SECRET"] = ""
    terminal = PseudoTerminal(cli_harness, "restaurants add", *cli_harness.settings_options)
    terminal.wait_for("client id")
    return terminal


@linux_only
def test_credentials_are_prompted_for_without_echo_at_a_terminal(cli_harness: CliHarness) -> None:
    terminal = onboard_without_partner_secret(cli_harness)
    terminal.type("demo-client\n")
    terminal.wait_for("client secret: ")
    terminal.type("demo-secret\n")
    terminal.wait_for("Bearer token")
    terminal.type("hunter2-the-token\n")
    command_line = terminal.read_command_line()
    assert terminal.wait() == ExitCode.SUCCESS, terminal.screen
    assert not re.search("demo-secret|hunter2", terminal.screen + command_line)
    assert "of 396 days" in terminal.screen
    assert cli_harness.read_restaurant_secret() == {
        "clientId": "demo-client",
        "clientSecret": "demo-secret",
        "bearerTokens": ["hunter2-the-token"],
    }


@linux_only
@pytest.mark.parametrize(
    "prompt, answer", [("client id", ""), ("client secret: ", "demo-client\n")]
)
def test_one_interrupt_at_a_prompt_ends_the_command(
    prompt: str, answer: str, cli_harness: CliHarness
) -> None:
    terminal = onboard_without_partner_secret(cli_harness)
    terminal.type(answer)
    terminal.wait_for(prompt)
    terminal.interrupt()
    assert terminal.wait() == ExitCode.INTERRUPTED
    assert terminal.screen.endswith("Interrupted: run the same command again to continue.\r\n")


def pipe_credentials(cli_harness: CliHarness, text: str) -> CommandOutput:
    options = (*cli_harness.settings_options, "--credentials-file", "-")
    return cli_harness.run_process("restaurants add", *options, stdin=text)


def test_credentials_can_be_piped_in(cli_harness: CliHarness) -> None:
    done = pipe_credentials(cli_harness, '{"bearerTokens": ["hunter2"]}')
    assert done.code == ExitCode.SUCCESS, done.errors
    assert cli_harness.read_restaurant_secret() == {"bearerTokens": ["hunter2"]}
    assert "hunter2" not in done.out + done.errors
    assert "of 396 days" not in done.out + done.errors  # progress is for terminals


def test_invalid_credentials_give_a_one_line_error_without_quoting_them(
    cli_harness: CliHarness,
) -> None:
    done = pipe_credentials(cli_harness, '{"bearerTokens": ["hünter2"]}')
    assert (done.code, done.errors.count("\n")) == (ExitCode.FAILED, 1)
    assert "nter2" not in done.out + done.errors


def test_missing_cloud_credentials_give_a_one_line_error(
    cli_harness: CliHarness, tmp_path: Path
) -> None:
    cli_harness.variables.clear()
    cli_harness.variables.update(
        {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_GCE_CHECK": "true"}
    )
    done = cli_harness.run_process("restaurants status", "--project", "some-project")
    assert done.code == ExitCode.FAILED
    assert done.errors == "Sign in first: `gcloud auth application-default login`.\n"


@linux_only
def test_an_interrupted_command_resumes_where_it_stopped(cli_harness: CliHarness) -> None:
    faults = cli_harness.opentable.sandbox.faults
    faults.script_failure(FailureKind.DELAY, path="/sync/v2/reservations", times=400, seconds=0.2)
    options = [*cli_harness.settings_options, "--webhook-auth", "none"]
    terminal = PseudoTerminal(cli_harness, "restaurants add", *options)
    terminal.wait_for(" 14 of 396 days")
    terminal.child.send_signal(signal.SIGINT)
    assert terminal.wait() == ExitCode.INTERRUPTED
    assert "run the same command again" in terminal.screen
    faults.clear()
    interrupted = cli_harness.run_process("restaurants status", "--json").json_output["backfill"]
    assert (interrupted["status"], interrupted["daysDone"] < 396) == ("RUNNING", True)
    done = cli_harness.run_process("restaurants add", *options, "--json").json_output["backfill"]
    assert (done["status"], done["startedAt"]) == ("COMPLETED", interrupted["startedAt"])
