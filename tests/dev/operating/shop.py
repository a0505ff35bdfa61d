"""A restaurant's operator with an emulator, an OpenTable and a file of secrets at hand."""

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dev.__main__ import build_parser
from dev.operating.running import run_command
from tests.local_opentable import LocalOpenTable

PARTNER = "opentable-partner"
RIGHT = {"clientId": "demo-client", "clientSecret": "demo-secret"}
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command.

    Attributes:
        code: Its exit code.
        out: What it wrote to its output.
        errors: What it wrote to its errors.
    """

    code: int
    out: str
    errors: str

    @property
    def told(self) -> dict[str, Any]:
        """The one JSON object of its output."""
        return dict(json.loads(self.out))


@dataclass(frozen=True, slots=True)
class Shop:
    """Where commands are run.

    Attributes:
        id: Lineup's id of the restaurant.
        rid: OpenTable's number for it.
        opentable: A running OpenTable, with the restaurant's book.
        variables: What a command is told of the place.
        written: Catches what a command writes.
    """

    id: str
    rid: str
    opentable: LocalOpenTable
    variables: dict[str, str]
    written: pytest.CaptureFixture[str]

    @property
    def safe(self) -> Path:
        """The file of secrets."""
        return Path(self.variables["SECRETS_FILE"])

    def secrets(self) -> dict[str, Any]:
        """Return what the file of secrets holds."""
        return dict(json.loads(self.safe.read_text()))

    def own_secret(self) -> dict[str, Any] | None:
        """Return what the restaurant's own secret holds."""
        return self.secrets().get(f"opentable-{self.id}")

    def text_of(self, file: str) -> str:
        """Return what a file holds."""
        return Path(file).read_text()

    def partner_issues(self, token: str) -> None:
        """Have the partner's secret serve the webhooks too."""
        self.keep({PARTNER: RIGHT | {"bearerTokens": [token]}})

    def spoil_partner(self) -> None:
        """Make the partner's secret a wrong one."""
        self.keep(self.secrets() | {PARTNER: {"clientId": "x", "clientSecret": "wrong"}})

    def mend_partner(self) -> None:
        """Make the partner's secret the right one."""
        self.keep(self.secrets() | {PARTNER: RIGHT})

    def keep(self, secrets: dict[str, Any]) -> None:
        """Write the file of secrets."""
        self.safe.write_text(json.dumps(secrets))

    async def operate(self, command: str, *words: str) -> Done:
        """Run a command on the restaurant, in this process but on a loop of its own."""
        said = build_parser().parse_args([command, self.id, *words])
        self.written.readouterr()
        code = await asyncio.to_thread(run_command, said)
        written = self.written.readouterr()
        return Done(code, written.out, written.err)

    async def onboard(self, *words: str) -> Done:
        """Onboard the restaurant with a webhook credential that is made for it."""
        more = () if "--save-to" in words or "none" in words else ("--save-to", self.new_file())
        place = ("--rid", self.rid, "--time-zone", "America/New_York")
        return await self.operate("onboard", *place, *more, *words)

    def new_file(self) -> str:
        """Return a path where nothing is yet."""
        folder = self.safe.parent
        return str(folder / f"new-{len(list(folder.iterdir()))}.json")

    def process(self, *words: str, said: str = "") -> Done:
        """Run a command in a process of its own; `said` is its standard input."""
        done = subprocess.run(
            [sys.executable, "-m", "dev", *words],
            input=said,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=self.variables,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)
