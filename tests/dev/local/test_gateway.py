"""One address serves the page and every function, with the paths of production."""

import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest
from httpx import ASGITransport, AsyncClient

from cli.target import LOCAL_STATUS_PATH
from dev.bootstrap import ROOT
from dev.local.demo_staff import (
    DEMO_STAFF_UIDS,
    DEMO_TOKEN_PATH,
    build_demo_accounts,
    build_unsigned_token,
)
from dev.local.gateway import build_local_status, create_gateway_app
from dev.page import PAGE_SOURCE, compute_version
from shared.staff.accounts import UserAccounts
from shared.staff.identity import IdTokenVerifier, UnauthenticatedError
from tests.dev.commands import run_program
from tests.support.accounts import serve_accounts

PROBE = """
import functions_framework.aio
from starlette.responses import JSONResponse

def named(request, name):
    root = request.scope["root_path"]
    return JSONResponse({"name": name, "path": request.url.path, "root": root})
"""
FUNCTION = """
@functions_framework.aio.http
async def {name}(request):
    return named(request, "{name}")
"""
FUNCTIONS = ("api", "opentable_webhook", "opentable_poll", "opentable_reconcile")
FOUND = {"sandbox": "http://127.0.0.1:9100"}


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The framework leaves its mark on all three; each test has them back as they were.
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("FUNCTION_TARGET", "")
    monkeypatch.setitem(sys.modules, "probe", sys)
    source = tmp_path / "probe.py"
    source.write_text(PROBE + "".join(FUNCTION.format(name=name) for name in FUNCTIONS))
    return source


@pytest.fixture
async def gateway_client(probe: Path) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(create_gateway_app(probe, PAGE_SOURCE, FOUND))
    async with AsyncClient(transport=transport, base_url="http://testserver") as gateway_client:
        yield gateway_client


async def test_the_api_sees_the_whole_path(gateway_client: AsyncClient) -> None:
    seen = (await gateway_client.get("/api/restaurants/r1/reservations?date=2026-03-14")).json()
    assert seen == {"name": "api", "path": "/api/restaurants/r1/reservations", "root": ""}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_the_api_takes_every_method(method: str, gateway_client: AsyncClient) -> None:
    answer = await gateway_client.request(method, "/api/restaurants/r1/integration")
    assert answer.json()["name"] == "api"


@pytest.mark.parametrize("name", FUNCTIONS[1:])
async def test_a_function_answers_under_its_name(name: str, gateway_client: AsyncClient) -> None:
    assert (await gateway_client.post(f"/{name.replace('_', '-')}")).json()["name"] == name


async def test_a_wrong_method_is_for_the_function_to_refuse(gateway_client: AsyncClient) -> None:
    assert (await gateway_client.get("/opentable-webhook")).json()["name"] == "opentable_webhook"


@pytest.mark.parametrize(
    "path, media_type",
    [
        ("/", "text/html"),
        ("/sw.js", "text/javascript"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/v/any/js/main.js", "text/javascript"),
        ("/v/any/icons/icon.svg", "image/svg+xml"),
    ],
)
async def test_a_page_has_its_media_type(
    path: str, media_type: str, gateway_client: AsyncClient
) -> None:
    assert (await gateway_client.get(path)).headers["content-type"].partition(";")[0] == media_type


async def test_an_unknown_page_is_not_found(gateway_client: AsyncClient) -> None:
    assert (await gateway_client.get("/nothing-here")).status_code == 404


async def test_the_status_contains_the_urls_of_other_servers(gateway_client: AsyncClient) -> None:
    assert (await gateway_client.get(LOCAL_STATUS_PATH)).json() == FOUND


def test_the_status_contains_no_secret() -> None:
    variables = {"SANDBOX_SIGNING_SECRET": "whsec_hidden", "SECRETS_FILE": "secrets.json"}
    assert "whsec_hidden" not in str(build_local_status(variables))


@pytest.mark.parametrize(
    "path, source", [("/", "/*"), ("/sw.js", "/*"), ("/v/any/js/main.js", "/v/**")]
)
async def test_the_page_has_every_header_that_hosting_gives_it(
    path: str, source: str, gateway_client: AsyncClient
) -> None:
    rules = json.loads((ROOT / "firebase.json").read_text())["hosting"]["headers"]
    expected = {
        each["key"]: each["value"]
        for rule in rules
        if rule["source"] in {"**", source}
        for each in rule["headers"]
    }
    headers = (await gateway_client.get(path)).headers
    assert {name: headers[name] for name in expected} == expected


async def test_the_page_gets_its_configuration_without_an_api_key(
    gateway_client: AsyncClient,
) -> None:
    configuration = (await gateway_client.get("/__/firebase/init.json")).json()
    assert configuration == {"local": {"restaurantId": None, "simulatedClock": None}}


async def test_the_address_of_a_file_contains_its_version(gateway_client: AsyncClient) -> None:
    page = (await gateway_client.get("/")).text
    assert f'src="/v/{compute_version()}/js/main.js"' in page


@pytest.fixture
def emulator_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:8787")
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "demo-lineup")


@pytest.mark.usefixtures("emulator_variables")
@pytest.mark.parametrize("role", ["host", "manager"])
async def test_a_demo_token_has_the_requested_role(role: str, gateway_client: AsyncClient) -> None:
    token = (await gateway_client.get(DEMO_TOKEN_PATH, params={"role": role})).json()["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["sub"], claims["aud"]) == (DEMO_STAFF_UIDS[role], "demo-lineup")


@pytest.mark.usefixtures("emulator_variables")
@pytest.mark.parametrize("absent", ["FIRESTORE_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST"])
async def test_there_are_no_demo_tokens_without_both_emulators(
    absent: str, gateway_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(absent)
    answer = await gateway_client.get(DEMO_TOKEN_PATH, params={"role": "manager"})
    assert (answer.status_code, "token" in answer.json()) == (404, False)


def test_the_gateway_serves_nothing_but_the_emulator() -> None:
    environment = {"PATH": os.environ["PATH"], "GOOGLE_CLOUD_PROJECT": "a-real-one"}
    command = [sys.executable, "-m", "dev.local.gateway", "--port", "1"]
    ended = run_program(*command, env=environment)
    assert ended.returncode == 1
    assert "FIRESTORE_EMULATOR_HOST" in ended.stderr


@pytest.mark.usefixtures("emulator_variables")
async def test_the_demo_operator_is_one_by_token_and_account(
    gateway_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_accounts(build_demo_accounts()) as served:
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", served.host)
        answer = await gateway_client.get(DEMO_TOKEN_PATH, params={"role": "operator"})
        accounts = UserAccounts("demo-lineup", time.monotonic)
        verifier = IdTokenVerifier("demo-lineup", accounts)
        user = await verifier.verify(answer.json()["token"])
    assert (user.uid, user.is_operator) == ("demo-operator", True)


@pytest.mark.usefixtures("emulator_variables")
async def test_a_role_that_is_none_has_no_token(gateway_client: AsyncClient) -> None:
    assert (await gateway_client.get(DEMO_TOKEN_PATH, params={"role": "waiter"})).status_code == 400


async def test_a_demo_token_is_refused_outside_the_emulator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FIREBASE_AUTH_EMULATOR_HOST", raising=False)
    token = build_unsigned_token("demo-lineup", DEMO_STAFF_UIDS["manager"], int(time.time()))
    accounts = UserAccounts("demo-lineup", time.monotonic)
    with pytest.raises(UnauthenticatedError):
        await IdTokenVerifier("demo-lineup", accounts).verify(token)
