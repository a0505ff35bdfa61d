"""One address serves the page and every function, each with the path that production shows it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from dev.gateway import STATUS_PATH, create_app, local_status

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
async def client(probe: Path, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    pages = tmp_path / "public"
    pages.mkdir()
    (pages / "index.html").write_text("<!doctype html><title>Staff</title>")
    (pages / "staff.js").write_text("export {};")
    transport = ASGITransport(create_app(probe, pages, FOUND))
    async with AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


async def test_the_api_sees_the_whole_path(client: AsyncClient) -> None:
    seen = (await client.get("/api/restaurants/r1/reservations?date=2026-03-14")).json()
    assert seen == {"name": "api", "path": "/api/restaurants/r1/reservations", "root": ""}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_the_api_takes_every_method(method: str, client: AsyncClient) -> None:
    assert (await client.request(method, "/api/restaurants/r1/integration")).json()["name"] == "api"


@pytest.mark.parametrize("name", FUNCTIONS[1:])
async def test_a_function_answers_under_its_name(name: str, client: AsyncClient) -> None:
    assert (await client.post(f"/{name.replace('_', '-')}")).json()["name"] == name


async def test_a_wrong_method_is_for_the_function_to_refuse(client: AsyncClient) -> None:
    assert (await client.get("/opentable-webhook")).json()["name"] == "opentable_webhook"


@pytest.mark.parametrize("path, media_type", [("/", "text/html"), ("/staff.js", "text/javascript")])
async def test_a_page_has_its_media_type(path: str, media_type: str, client: AsyncClient) -> None:
    assert (await client.get(path)).headers["content-type"].partition(";")[0] == media_type


async def test_an_unknown_page_is_not_found(client: AsyncClient) -> None:
    assert (await client.get("/nothing-here")).status_code == 404


async def test_the_status_tells_where_the_rest_is(client: AsyncClient) -> None:
    assert (await client.get(STATUS_PATH)).json() == FOUND


def test_the_status_holds_no_secret() -> None:
    variables = {"SANDBOX_SIGNING_SECRET": "whsec_hidden", "SECRETS_FILE": "secrets.json"}
    assert "whsec_hidden" not in str(local_status(variables))
