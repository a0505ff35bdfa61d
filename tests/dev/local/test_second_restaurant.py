"""The commands of docs/try-it.md and docs/webhooks.md work, and end without an alarm."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from cli.output import ExitCode
from dev.bootstrap import ROOT
from dev.local.processes import find_free_port
from tests.dev.commands import run_program
from tests.support.processes import COMMAND_TIMEOUT_SECONDS, LocalRunProcess, start_local_run

PROGRAMS = {
    ".venv/bin/python": [sys.executable],
    ".venv/bin/ledger": [sys.executable, "-m", "cli"],
}
DEFAULT_PORT = "8080"
TYPE_SECONDS = 4 * COMMAND_TIMEOUT_SECONDS


def read_blocks(page: str, heading: str, language: str = "") -> list[str]:
    """Return the code blocks of a section."""
    section = (ROOT / "docs" / page).read_text().partition(f"## {heading}\n")[2]
    section = section.partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Operator:
    """Types commands during a local run."""

    folder: Path
    port: int
    run: LocalRunProcess

    def type(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command as the page writes it."""
        environment = os.environ | {"PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        program = [*PROGRAMS[words[0]], *words[1:]]
        return run_program(*program, cwd=self.folder, env=environment, seconds=TYPE_SECONDS)

    def type_block(self, block: str, *codes: ExitCode) -> list[str]:
        """Run the commands of a block; `codes` are the exit codes, all 0 by default."""
        commands = [shlex.split(line, comments=True) for line in block.splitlines()]
        outputs = []
        for words, code in zip(commands, codes or [ExitCode.SUCCESS] * len(commands), strict=True):
            done = self.type(words)
            assert done.returncode == code, (words, done.stdout, done.stderr)
            outputs.append(done.stdout)
        return outputs


@pytest.fixture(scope="module")
def local_run() -> Iterator[tuple[int, LocalRunProcess]]:
    """The port and the process of a run that polls; one start serves all tests."""
    port = find_free_port()
    with start_local_run(port) as run:
        run.wait_for("event", "  poll ")
        yield port, run


@pytest.fixture
def local_operator(tmp_path: Path, local_run: tuple[int, LocalRunProcess]) -> Operator:
    return Operator(tmp_path, *local_run)


def test_the_exercise_ends_with_no_alarm_standing(local_operator: Operator) -> None:
    run = local_operator.run
    [lose] = read_blocks("try-it.md", "Lose webhooks")
    off, on, mock = local_operator.type_block(lose)
    assert ("lost" in off, "again" in on, "200 200 200" in mock) == (True, True, True)
    day = mock.split("/")[-1].strip()
    assert is_shown(local_operator, "restaurant-123", day, "John Doe")

    [connect] = read_blocks("try-it.md", "Connect a second restaurant")
    opened, added, given, _ = local_operator.type_block(connect)
    assert "555002 is open in Europe/London" in opened
    assert f"http://127.0.0.1:{local_operator.port}/#/bistro-7/reservations" in added
    assert "bearer" in given
    assert is_shown(local_operator, "bistro-7", "2030-01-01", "")
    assert run.wait_for_line(" webhook ", "bistro-7", "scheme bearer")

    spoil, rotate, settle = read_blocks("try-it.md", "Rotate a credential")
    spoil_command, status_command = spoil.splitlines()
    local_operator.type_block(spoil_command)
    assert run.wait_for_line("webhook.unauthenticated", "bistro-7")
    [problem] = local_operator.type_block(status_command, ExitCode.ACTION_REQUIRED)
    assert "Webhooks refused: " in problem
    local_operator.type_block(rotate)
    assert run.wait_for_line(" webhook ", "bistro-7", "scheme bearer")
    wait_until_no_credential_is_refused(local_operator)
    local_operator.type_block(settle)

    words = [".venv/bin/ledger", "restaurants", "status", "--all", "--local", "--json"]
    status = local_operator.type(words)
    restaurants = json.loads(status.stdout)["restaurants"]
    standing = {row["id"]: (row["health"]["status"], row["refusals"]) for row in restaurants}
    assert standing == {"restaurant-123": ("OK", []), "bistro-7": ("OK", [])}
    assert sorted(path.name for path in local_operator.folder.iterdir()) == [
        "bistro.credentials.json",
        "rotated.credentials.json",
    ]


def is_shown(local_operator: Operator, restaurant: str, day: str, name: str) -> bool:
    """Whether the demo host may see a day with this name."""
    base = f"http://127.0.0.1:{local_operator.port}"
    token = requests.get(f"{base}/_local/token?role=host", timeout=COMMAND_TIMEOUT_SECONDS).json()
    headers = {"Authorization": f"Bearer {token['token']}"}
    url = f"{base}/api/restaurants/{restaurant}/reservations?date={day}"
    shown = requests.get(url, headers=headers, timeout=COMMAND_TIMEOUT_SECONDS)
    return shown.status_code == 200 and name in shown.text


def wait_until_no_credential_is_refused(local_operator: Operator) -> None:
    """Wait until a webhook with the newest credential ended the count of refusals."""
    deadline = time.monotonic() + COMMAND_TIMEOUT_SECONDS
    words = [".venv/bin/ledger", "webhooks", "check", "bistro-7", "--local"]
    while local_operator.type(words).returncode != ExitCode.SUCCESS:
        assert time.monotonic() < deadline, "no webhook used the newest credential"


@pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl", "openssl"))), reason="needs bash, curl and openssl"
)
def test_the_examples_of_webhooks_can_be_pasted(local_operator: Operator) -> None:
    prepare, curl = read_blocks("webhooks.md", "Examples", "bash")
    [python] = read_blocks("webhooks.md", "Examples", "python")
    (local_operator.folder / "send.py").write_text(python)
    script = f"set -e\n{prepare}\n{sys.executable} send.py\n{curl}\n"
    script = script.replace(DEFAULT_PORT, str(local_operator.port))
    done = run_program("bash", "-c", script, cwd=local_operator.folder)
    assert re.findall(r'"status": ?"(\w+)"', done.stdout) == ["created", "duplicate"], done.stderr


def test_a_restaurant_of_the_sandbox_is_never_changed_silently(local_operator: Operator) -> None:
    sandbox = [".venv/bin/python", "-m", "dev", "sandbox"]
    for words, sentence in (
        (["555001", "--time-zone", "Mars/Phobos"], "555001 is open already"),
        (["555009", "--time-zone", "Mars/Phobos"], "There is no time zone Mars/Phobos"),
        (["999999"], "999999 is missing or unknown"),
    ):
        refused = local_operator.type([*sandbox, *words])
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
        assert sentence in refused.stderr


def test_a_command_without_a_local_run_gives_a_one_line_error() -> None:
    words = ["restaurants", "status", "x", "--port", str(find_free_port())]
    done = run_program(*PROGRAMS[".venv/bin/ledger"], *words)
    assert (done.returncode, done.stderr.count("\n")) == (ExitCode.FAILED, 1)
    assert done.stderr.startswith("No run answers at ")
