import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud.firestore import AsyncClient

from cli.output import ExitCode
from dev.local.emulator import Emulator
from dev.local.processes import FunctionServer, serve_function
from tests.cli.harness import PARTNER_SECRET_ID, VALID_CREDENTIALS, CliHarness, WebhookIngest
from tests.support.opentable import LocalOpenTable
from tests.support.restaurants import new_restaurant

RESERVATION_COUNT_AT_OPENTABLE = 4


@pytest.fixture
def variables(
    emulator: Emulator,
    project: str,
    local_opentable: LocalOpenTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """The environment of a command's process, also set in this process."""
    secrets = tmp_path / "secrets.json"
    secrets.write_text(json.dumps({PARTNER_SECRET_ID: VALID_CREDENTIALS}))
    values = {
        "GOOGLE_CLOUD_PROJECT": project,
        "FIRESTORE_EMULATOR_HOST": emulator.host,
        "OPENTABLE_API_URL": local_opentable.url,
        "OPENTABLE_OAUTH_URL": local_opentable.url,
        "OPENTABLE_PARTNER_SECRET": PARTNER_SECRET_ID,
        "SECRETS_FILE": str(secrets),
    }
    for name, text in values.items():
        monkeypatch.setenv(name, text)
    inherited = {
        name: text for name, text in os.environ.items() if name.startswith(("PATH", "COV"))
    }
    return inherited | values


@pytest.fixture
def cli_harness(local_opentable: LocalOpenTable, variables: dict[str, str]) -> CliHarness:
    """A restaurant with `RESERVATION_COUNT_AT_OPENTABLE` reservations, not onboarded."""
    restaurant = new_restaurant()
    for party_size in range(1, RESERVATION_COUNT_AT_OPENTABLE + 1):
        local_opentable.book_tomorrow(restaurant.rid, party_size)
    return CliHarness(restaurant.id, restaurant.rid, local_opentable, variables)


@pytest.fixture
async def webhook_ingest(cli_harness: CliHarness, firestore: AsyncClient) -> WebhookIngest:
    """The webhooks of the restaurant, which this fixture onboards."""
    onboarded = await cli_harness.onboard()
    if onboarded.code == ExitCode.RETRY_LATER:  # the emulator's first answer may take long
        onboarded = await cli_harness.onboard()
    assert onboarded.code == ExitCode.SUCCESS, onboarded.errors
    return WebhookIngest(firestore, cli_harness.id, cli_harness.rid)


@pytest.fixture
def webhook_function(
    cli_harness: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FunctionServer]:
    """The webhook function in a process of its own, at the WEBHOOK_URL of the commands."""
    lines: list[str] = []
    with serve_function("opentable_webhook", cli_harness.variables, lines.append) as server:
        monkeypatch.setenv("WEBHOOK_URL", server.url)
        yield server
