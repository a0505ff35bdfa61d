"""The smoke test against the real services passes only if all four work."""

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud.firestore import AsyncClient

from dev.local.emulator import Emulator
from dev.local.processes import LOOPBACK, find_free_port
from dev.release.smoke import (
    SERVICES,
    Canary,
    SmokeError,
    check_api,
    check_poll,
    check_reconciliation,
    check_services,
    check_webhook,
    parse_signing_secret,
)
from sandbox.webhook_senders import encode_signing_secret
from tests.dev.commands import run_program
from tests.support.opentable import LocalOpenTable, serve_local_opentable
from tests.support.processes import serve_deployed_function
from tests.support.restaurants import Restaurant, seed, write_secret

CANARY = Restaurant("canary", "999001")
KEY, OTHER_KEY = encode_signing_secret(b"k" * 32), encode_signing_secret(b"o" * 32)
UNREACHABLE_URL = f"http://{LOOPBACK}:{find_free_port()}"
CREDENTIALS = {"clientId": "demo-client", "clientSecret": "demo-secret"}


@pytest.fixture(scope="module")
def canary_opentable() -> Iterator[LocalOpenTable]:
    with serve_local_opentable() as started:
        started.book_tomorrow(CANARY.rid, 2)
        yield started


@pytest.fixture
def service_variables(
    emulator: Emulator, firestore: AsyncClient, canary_opentable: LocalOpenTable, tmp_path: Path
) -> dict[str, str]:
    """The environment of the services."""
    secrets = tmp_path / "secrets.json"
    write_secret(secrets, CANARY.secret, {"webhookSecrets": [KEY], **CREDENTIALS})
    return {
        "GOOGLE_CLOUD_PROJECT": firestore.project,
        "FIRESTORE_EMULATOR_HOST": emulator.host,
        "SECRETS_FILE": str(secrets),
        "OPENTABLE_API_URL": canary_opentable.url,
        "OPENTABLE_OAUTH_URL": canary_opentable.url,
    }


@pytest.fixture
async def canary(emulator: Emulator, firestore: AsyncClient) -> Canary:
    """The stored restaurant of the test, enabled."""
    await seed(firestore, CANARY)
    database = f"projects/{firestore.project}/databases/(default)"
    return Canary(
        restaurant_id=CANARY.id,
        secret=KEY,
        documents=f"http://{emulator.host}/v1/{database}/documents",
        ledger_token="owner",
        run_tokens={"opentable-poll": "token", "opentable-reconcile": "token"},
    )


@contextlib.contextmanager
def serve(service: str, service_variables: dict[str, str]) -> Iterator[str]:
    """Serve a service, and return its address without the last slash."""
    with serve_deployed_function(service.replace("-", "_"), **service_variables) as function:
        yield function.url.rstrip("/")


@pytest.fixture
def webhook_url(service_variables: dict[str, str]) -> Iterator[str]:
    with serve("opentable-webhook", service_variables) as url:
        yield url


def test_four_working_services_pass_each_time(
    service_variables: dict[str, str], canary: Canary, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.ExitStack() as stack:
        urls = {name: stack.enter_context(serve(name, service_variables)) for name in SERVICES}
        check_services(urls, canary)
        check_services(urls, canary)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == lines[4:]
    assert lines[:3] == [
        "opentable-webhook: restaurants/canary/reservations/opentable-smoke-test",
        "opentable-poll: ok",
        "opentable-reconcile: DRY_RUN",
    ]
    assert lines[3].startswith("api: ")


def test_a_wrong_secret_fails(webhook_url: str, canary: Canary) -> None:
    with pytest.raises(SmokeError, match="401"):
        check_webhook(webhook_url, dataclasses.replace(canary, secret=OTHER_KEY))


def test_an_event_that_is_not_in_the_ledger_fails(
    webhook_url: str, canary: Canary, project: str
) -> None:
    documents = canary.documents.replace(project, "another-project")
    with pytest.raises(SmokeError, match="404"):
        check_webhook(webhook_url, dataclasses.replace(canary, documents=documents))


async def test_a_disabled_canary_fails(
    firestore: AsyncClient, webhook_url: str, canary: Canary
) -> None:
    await seed(firestore, CANARY, enabled=False)
    with pytest.raises(SmokeError, match="403"):
        check_webhook(webhook_url, canary)


@pytest.mark.parametrize(
    "service,check,message",
    [
        ("opentable-poll", check_poll, "poll ended"),
        ("opentable-reconcile", check_reconciliation, "reconciliation ended"),
    ],
)
def test_a_run_that_cannot_reach_opentable_fails(
    service_variables: dict[str, str],
    canary: Canary,
    service: str,
    check: Callable[[str, Canary], str],
    message: str,
) -> None:
    write_secret(Path(service_variables["SECRETS_FILE"]), CANARY.secret, {"webhookSecrets": [KEY]})
    with serve(service, service_variables) as url, pytest.raises(SmokeError, match=message):
        check(url, canary)


def test_another_service_at_the_address_of_the_api_fails(
    service_variables: dict[str, str], canary: Canary
) -> None:
    with (
        serve("opentable-poll", service_variables) as url,
        pytest.raises(SmokeError, match="answers"),
    ):
        check_api(url, canary)


def test_every_service_is_tested_even_if_the_first_one_fails(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.release.smoke._PAUSE_SECONDS", 0)
    with pytest.raises(SmokeError) as error:
        check_services(dict.fromkeys(SERVICES, UNREACHABLE_URL), canary)
    assert all(f"{service}: " in str(error.value) for service in SERVICES)


def test_a_secret_without_a_signing_key_is_reported() -> None:
    with pytest.raises(SmokeError, match="webhookSecrets"):
        parse_signing_secret("{}")


def test_a_release_needs_no_package() -> None:
    # The image of the Cloud SDK has a bare Python; -S keeps this environment's packages out.
    modules = "dev.release.smoke, dev.release.preflight, dev.release.deployed, dev.release.indexes"
    code = f"import sys; sys.path.insert(0, '.'); import {modules}"
    completed = run_program(sys.executable, "-I", "-S", "-c", code)
    assert (completed.returncode, completed.stderr) == (0, "")
