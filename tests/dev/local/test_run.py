"""`python -m dev run` shows every channel and leaves no process."""

import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from dev.local.demo_data import (
    DEMO_PARTNER_SECRET_ID,
    DEMO_SECRET_ID,
    generate_demo_credentials,
    open_temporary_secrets_file,
)
from dev.local.processes import LOOPBACK, find_free_port
from tests.dev.commands import run_program
from tests.support.processes import COMMAND_TIMEOUT_SECONDS, DEV_COMMAND, start_local_run

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads the children from /proc")


def run_dev_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_program(*DEV_COMMAND, *arguments, seconds=COMMAND_TIMEOUT_SECONDS)


@linux_only
def test_a_run_shows_every_channel_and_leaves_no_process() -> None:
    port = find_free_port()
    with start_local_run(port) as run:
        run.wait_for("  webhook ", "  poll ", "  reconciliation ")
        mock = run_dev_command("mock", "--port", str(port)).stdout
        assert mock.startswith("created, updated, cancelled: 200 200 200\n")
        assert run_dev_command("webhooks", "off", "--port", str(port)).returncode == 0
        status_url = f"http://{LOOPBACK}:{port}/_local/status"
        where = requests.get(status_url, timeout=COMMAND_TIMEOUT_SECONDS).json()
        children = run.children()
        run.child.send_signal(signal.SIGINT)
        assert run.child.wait(COMMAND_TIMEOUT_SECONDS) == 0
        *_, blank, end = run.read_rest("Everything has ended.")
    assert (blank, end) == ("", "Everything has ended.")
    assert len(children) == 3
    assert not [pid for pid in children if Path("/proc", str(pid)).exists()]
    assert not Path(where["secretsFile"]).exists()


@linux_only
def test_a_run_that_is_terminated_while_it_starts_leaves_no_process_behind() -> None:
    with start_local_run(find_free_port()) as run:
        run.wait_for("Writing the demo restaurant")
        children = run.children()
        run.child.terminate()
        assert run.child.wait(COMMAND_TIMEOUT_SECONDS) == 0
    assert children
    assert not [pid for pid in children if Path("/proc", str(pid)).exists()]


def test_a_used_port_gives_a_one_line_error() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        done = run_dev_command("run", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Port {port} is taken: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["mock"], ["webhooks", "off"]], ids=["mock", "webhooks"])
def test_a_command_without_a_run_gives_a_one_line_error(command: list[str]) -> None:
    done = run_dev_command(*command, "--port", str(find_free_port()))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "start one with `make run`" in done.stderr


@pytest.mark.parametrize("given", ["0", "http"])
def test_a_port_that_is_none_is_refused(given: str) -> None:
    assert run_dev_command("run", f"--port={given}").returncode == 2


def test_secrets_are_this_users_alone() -> None:
    with open_temporary_secrets_file(generate_demo_credentials()) as path:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


def test_the_bundle_and_the_sandbox_share_each_secret() -> None:
    credentials = generate_demo_credentials()
    variables = set(credentials.to_sandbox_environment().values())
    with open_temporary_secrets_file(credentials) as path:
        secrets = json.loads(Path(path).read_text())
    kept = secrets[DEMO_SECRET_ID]
    assert variables == {
        secrets[DEMO_PARTNER_SECRET_ID]["clientSecret"],
        f"Bearer {kept['bearerTokens'][0]}",
        kept["webhookSecrets"][0],
    }


def test_no_two_runs_share_a_secret() -> None:
    one, other = (generate_demo_credentials().to_sandbox_environment() for _ in range(2))
    assert not set(one.values()) & set(other.values())
