"""The commands of docs/try-it.md work during a run."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.output import ExitCode
from dev.local.processes import find_free_port
from tests.support.processes import COMMAND_TIMEOUT_SECONDS, LocalRun, start_local_run

ROOT = Path(__file__).parents[3]
PROGRAMS = {
    ".venv/bin/python": [sys.executable],
    ".venv/bin/ledger": [sys.executable, "-m", "cli"],
}


def readme_command_blocks() -> list[list[list[str]]]:
    """Return the commands of each block of the two last sections."""
    page = (ROOT / "docs" / "try-it.md").read_text()
    section = page.partition("## Connect a second restaurant")[2]
    found = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    return [[shlex.split(line, comments=True) for line in block.splitlines()] for block in found]


class Operator:
    """Run commands during a local run."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._variables = os.environ | {"PORT": str(port), "PYTHONPATH": str(ROOT)}

    def type(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command as the README writes it."""
        return subprocess.run(
            [*PROGRAMS[words[0]], *words[1:]],
            cwd=self._folder,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * COMMAND_TIMEOUT_SECONDS,
            check=False,
        )

    def check(self, words: list[str]) -> None:
        """Run a command and assert its success."""
        done = self.type(words)
        assert done.returncode == ExitCode.SUCCESS, (words, done.stdout, done.stderr)


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[tuple[Operator, LocalRun]]:
    port = find_free_port()
    with start_local_run(port) as run:
        run.wait_for("event", "  poll ")
        yield Operator(tmp_path, port), run


def test_a_second_restaurant_is_onboarded_broken_and_repaired(
    operator: tuple[Operator, LocalRun],
) -> None:
    typist, run = operator
    connect, [spoil, rotate, tell, look] = readme_command_blocks()
    for words in connect:
        typist.check(words)
    assert run.wait_for_line(" webhook ", "restaurantId bistro-7", "scheme bearer")
    typist.check(spoil)
    assert run.wait_for_line("webhook.unauthenticated", "restaurantId bistro-7")
    typist.check(rotate)
    typist.check(tell)
    assert run.wait_for_line(" webhook ", "restaurantId bistro-7", "scheme bearer")
    looked = typist.type([*look, "--json"])
    [use] = json.loads(looked.stdout)["webhookKeys"]
    assert (use["scheme"], use["credentialIndex"]) == ("bearer", 0)


def test_a_command_without_a_local_run_gives_a_one_line_error(tmp_path: Path) -> None:
    done = Operator(tmp_path, find_free_port()).type(
        [".venv/bin/ledger", "restaurants", "status", "x", "--local"]
    )
    assert (done.returncode, done.stderr.count("\n")) == (ExitCode.FAILED, 1)
    assert done.stderr.startswith("No run answers at ")
