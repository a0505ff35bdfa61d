"""A restaurant's operator with an emulator, an OpenTable and a file of secrets at hand.

Webhooks as the function takes them in, heard at a time of the test's choosing.
"""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient
from msgspec.structs import replace

from cli.running import run_command
from dev.__main__ import build_parser
from shared.config import read_environment
from shared.context import build_app_context, utc_now
from shared.domain.ledger.events import Channel
from shared.domain.normalization.strict_json import WebhookFormat
from shared.domain.webhook_auth.verify import Verification
from shared.ingest.events import IncomingEvent, ingest_event
from shared.restaurants.settings import read_settings
from tests.support.events import row_body
from tests.support.opentable import LocalOpenTable

PARTNER_SECRET_ID = "opentable-partner"
VALID_CREDENTIALS = {"clientId": "demo-client", "clientSecret": "demo-secret"}
CLI_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class CommandOutput:
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
    def json_output(self) -> dict[str, Any]:
        """The one JSON object of its output."""
        return dict(json.loads(self.out))


@dataclass(frozen=True, slots=True)
class CliHarness:
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
    def secrets_path(self) -> Path:
        """The file of secrets."""
        return Path(self.variables["SECRETS_FILE"])

    def secrets(self) -> dict[str, Any]:
        """Return what the file of secrets holds."""
        return dict(json.loads(self.secrets_path.read_text()))

    def own_secret(self) -> dict[str, Any] | None:
        """Return what the restaurant's own secret holds."""
        return self.secrets().get(f"opentable-{self.id}")

    def text_of(self, file: str) -> str:
        """Return what a file holds."""
        return Path(file).read_text()

    def give_partner_token(self, token: str) -> None:
        """Have the partner's secret serve the webhooks too."""
        self.write_secrets({PARTNER_SECRET_ID: VALID_CREDENTIALS | {"bearerTokens": [token]}})

    def break_partner_secret(self) -> None:
        """Make the partner's secret a wrong one."""
        self.write_secrets(
            self.secrets() | {PARTNER_SECRET_ID: {"clientId": "x", "clientSecret": "wrong"}}
        )

    def restore_partner_secret(self) -> None:
        """Make the partner's secret the right one."""
        self.write_secrets(self.secrets() | {PARTNER_SECRET_ID: VALID_CREDENTIALS})

    def write_secrets(self, secrets: dict[str, Any]) -> None:
        """Write the file of secrets."""
        self.secrets_path.write_text(json.dumps(secrets))

    async def run_command(self, command: str, *words: str) -> CommandOutput:
        """Run a command on the restaurant, in this process but on a loop of its own."""
        arguments = build_parser().parse_args([command, self.id, *words])
        self.written.readouterr()
        code = await asyncio.to_thread(run_command, arguments)
        written = self.written.readouterr()
        return CommandOutput(code, written.out, written.err)

    async def onboard(self, *words: str) -> CommandOutput:
        """Onboard the restaurant with a webhook credential that is made for it."""
        more = () if "--save-to" in words or "none" in words else ("--save-to", self.new_file())
        place = ("--rid", self.rid, "--time-zone", "America/New_York")
        return await self.run_command("onboard", *place, *more, *words)

    def new_file(self) -> str:
        """Return a path where nothing is yet."""
        folder = self.secrets_path.parent
        return str(folder / f"new-{len(list(folder.iterdir()))}.json")

    def run_process(self, *words: str, stdin: str = "") -> CommandOutput:
        """Run a command in a process of its own; `stdin` is its standard input."""
        done = subprocess.run(
            [sys.executable, "-m", "dev", *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=CLI_TIMEOUT_SECONDS,
            env=self.variables,
            check=False,
        )
        return CommandOutput(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class WebhookIngest:
    """What a restaurant's webhooks bring."""

    client: AsyncClient
    restaurant_id: str
    rid: str

    async def ingest_row(self, sequence_id: int, position: int = 0, minutes: int = 0) -> str:
        """Take one of OpenTable's objects in, and return what became of it.

        Args:
            sequence_id: Its sequence.
            position: Which of the bearer tokens proved it.
            minutes: How long from now.
        """
        number = {"rid": int(self.rid), "id": f"{self.rid}-ot_1"}
        return await self.ingest_body(row_body(sequence_id, **number), position, minutes)

    async def ingest_body(self, body: dict[str, Any], position: int = 0, minutes: int = 0) -> str:
        """Take any object in; else as `ingest_row`."""
        services = build_app_context(read_environment(os.environ))
        at = utc_now() + timedelta(minutes=minutes)
        services = replace(services, firestore=self.client, clock=lambda: at)
        settings = await read_settings(self.client, self.restaurant_id)
        assert settings is not None
        verdict = Verification(is_accepted=True, reason="bearer", credential_index=position)
        text = json.dumps(body)
        event = IncomingEvent(
            WebhookFormat.OPENTABLE_RESERVATION,
            body,
            text,
            "application/json",
            at,
            Channel.WEBHOOK,
            verdict,
        )
        return str((await ingest_event(services, settings, event)).outcome)
