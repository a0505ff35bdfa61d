"""Runs commands for one restaurant against the emulator, a local OpenTable and a secrets file."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from google.cloud.firestore import AsyncClient
from msgspec.structs import replace

from cli.api import OperatorSession
from cli.app import ledger
from cli.output import Console
from shared.concurrency import SYSTEM_CLOCK
from shared.config import read_environment
from shared.context import RestaurantContext, build_app_context
from shared.domain.webhook_auth import Authentication
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.ingest.events import ingest_event
from shared.restaurants.settings import read_settings
from tests.support.events import incoming_webhook, row_body
from tests.support.opentable import LocalOpenTable

PARTNER_SECRET_ID = "opentable-partner"
VALID_CREDENTIALS = {"clientId": "demo-client", "clientSecret": "demo-secret"}
CLI_TIMEOUT_SECONDS = 60


class TerminalOutput(StringIO):
    """Text output that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def build_console(
    *, is_terminal: bool = False, as_json: bool = False, assume_yes: bool = False
) -> tuple[Console, StringIO, StringIO]:
    """Return a console with its stdout and stderr."""
    out, errors = StringIO(), TerminalOutput() if is_terminal else StringIO()
    return Console(out, errors, as_json, is_terminal, assume_yes), out, errors


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """The exit code and the output of a command."""

    code: int
    out: str
    errors: str

    @property
    def json_output(self) -> dict[str, Any]:
        """The single JSON object on stdout."""
        return dict(json.loads(self.out))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON Lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


async def run_ledger(*words: str) -> CommandOutput:
    """Run a command in this process, on an event loop of its own."""
    result = await asyncio.to_thread(
        CliRunner().invoke, ledger, words, prog_name="ledger", catch_exceptions=False
    )
    return CommandOutput(result.exit_code, result.stdout, result.stderr)


@dataclass(frozen=True, slots=True)
class CliHarness:
    """One restaurant, and the environment variables of its commands."""

    id: str
    rid: str
    opentable: LocalOpenTable
    variables: dict[str, str]

    @property
    def settings_options(self) -> list[str]:
        """The required options of `restaurants add`."""
        return ["--rid", self.rid, "--time-zone", "America/New_York"]

    @property
    def secrets_path(self) -> Path:
        """The secrets file."""
        return Path(self.variables["SECRETS_FILE"])

    async def read_integration(self, client: AsyncClient) -> dict[str, Any]:
        """Return the stored settings with the state of the runs, empty if there are none."""
        return (await paths.integration_document(client, self.id).get()).to_dict() or {}

    def read_secrets(self) -> dict[str, Any]:
        """Return the content of the secrets file."""
        return dict(json.loads(self.secrets_path.read_text()))

    def read_restaurant_secret(self) -> dict[str, Any] | None:
        """Return the payload of the restaurant's own secret."""
        return self.read_secrets().get(f"opentable-{self.id}")

    def set_partner_secret(self, payload: dict[str, Any]) -> None:
        """Replace the payload of the partner secret."""
        secrets = self.read_secrets() | {PARTNER_SECRET_ID: payload}
        self.secrets_path.write_text(json.dumps(secrets))

    def new_file(self) -> str:
        """Return the path of a file that does not exist."""
        folder = self.secrets_path.parent
        return str(folder / f"new-{len(list(folder.iterdir()))}.json")

    async def run_command(self, command: str, *options: str) -> CommandOutput:
        """Run a command on the restaurant; see `run_ledger`."""
        return await run_ledger(*command.split(), self.id, *options)

    async def onboard(self, *options: str) -> CommandOutput:
        """Onboard the restaurant with a generated webhook credential."""
        needs_file = "--save-to" not in options and "none" not in options
        save_to = ["--save-to", self.new_file()] if needs_file else []
        return await self.run_command("restaurants add", *self.settings_options, *save_to, *options)

    def run_process(self, command: str, *options: str, stdin: str = "") -> CommandOutput:
        """Run a command on the restaurant in a separate process."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *command.split(), self.id, *options],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=CLI_TIMEOUT_SECONDS,
            env=self.variables,
            check=False,
        )
        return CommandOutput(done.returncode, done.stdout, done.stderr)


@contextmanager
def failing_call(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the response of the nth call of the API get lost, after the call was carried out."""
    call, count = OperatorSession.call, 0

    async def fail_once(self: OperatorSession, *args: Any, **options: Any) -> dict[str, Any]:
        nonlocal count
        count += 1
        response = await call(self, *args, **options)
        if count == number:
            raise ServiceUnavailableError("the response was lost")
        return response

    with monkeypatch.context() as patch:
        patch.setattr(OperatorSession, "call", fail_once)
        yield


@dataclass(frozen=True, slots=True)
class WebhookIngest:
    """Ingests webhooks of an onboarded restaurant."""

    client: AsyncClient
    restaurant_id: str
    rid: str

    async def ingest_row(self, sequence_id: int, position: int = 0, minutes: int = 0) -> str:
        """Ingest a valid reservation and return the outcome; see `ingest_body`."""
        fields = {"rid": int(self.rid), "id": f"{self.rid}-ot_1"}
        return await self.ingest_body(row_body(sequence_id, **fields), position, minutes)

    async def quarantine_valid_rows(self, *sequence_ids: int) -> None:
        """Ingest valid reservations while the settings are unusable; repair the settings."""
        settings = paths.integration_document(self.client, self.restaurant_id)
        await settings.update({"timeZone": "Nowhere/Town"})
        for sequence_id in sequence_ids:
            assert await self.ingest_row(sequence_id) == "quarantined"
        await settings.update({"timeZone": "America/New_York"})

    async def quarantine_row(self, **fields: Any) -> None:
        """Ingest a reservation that cannot be applied."""
        invalid = {"rid": int(self.rid), "id": f"{self.rid}-ot_9", "party_size": 0}
        assert await self.ingest_body(row_body(9, **invalid, **fields)) == "quarantined"

    async def ingest_body(self, body: dict[str, Any], position: int = 0, minutes: int = 0) -> str:
        """Ingest a body in the given number of minutes from now, and return the outcome.

        `position` is the index of the bearer token with which it was authenticated.
        """
        context = build_app_context(read_environment(os.environ))
        received_at = SYSTEM_CLOCK.now() + timedelta(minutes=minutes)
        context = replace(context, firestore=self.client, clock=lambda: received_at)
        settings = await read_settings(self.client, self.restaurant_id)
        assert settings is not None
        authentication = Authentication("bearer", position)
        event = incoming_webhook(body, received_at, authentication=authentication)
        return str((await ingest_event(RestaurantContext(context, settings), event)).outcome)
