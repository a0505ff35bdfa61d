import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from google.cloud.firestore import AsyncClient
from playwright.async_api import Browser, Page, async_playwright

from dev.demo_staff import DEMO_STAFF_UIDS
from dev.emulator import Emulator
from dev.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable
from dev.sandbox.signing import encode_signing_secret
from shared.edge import paths
from tests.local_opentable import LocalOpenTable, serving_opentable
from tests.page import Page as Stored
from tests.public.stand import DAY, Stand
from tests.restaurants import keep_secret, new_restaurant, seed
from tests.sender import Sender

Visit = Callable[..., Awaitable[Page]]

CHROMIUM = shutil.which("chromium")
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
GATEWAY = [sys.executable, "-m", "dev.gateway", "--port"]
SECONDS = 30
PATIENCE_MS = 15_000  # others may be busy on the same machine


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: drives the staff page in a real browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                text = "There is no chromium on the PATH: apt-get install chromium"
                item.add_marker(pytest.mark.skip(reason=text))


@pytest.fixture(scope="session")
def page_project() -> str:
    return f"demo-{uuid.uuid4().hex[:16]}"


@pytest.fixture(scope="session")
def secrets_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets") / "secrets.json"


@pytest.fixture(scope="session")
def opentable() -> Iterator[LocalOpenTable]:
    with serving_opentable() as started:
        yield started


@pytest.fixture(scope="session")
def gateway(
    emulator: Emulator, page_project: str, secrets_file: Path, opentable: LocalOpenTable
) -> Iterator[str]:
    """The whole bundle on one address, as `make run` serves it."""
    port = find_free_port()
    told = {
        "GOOGLE_CLOUD_PROJECT": page_project,
        "FIRESTORE_EMULATOR_HOST": emulator.host,
        "SECRETS_FILE": str(secrets_file),
        "OPENTABLE_API_URL": opentable.url,
        "OPENTABLE_OAUTH_URL": opentable.url,
    }
    url = f"http://{LOOPBACK}:{port}"
    with run_process([*GATEWAY, str(port)], print, os.environ | told) as child:
        wait_until_reachable(url, SECONDS, child)
        yield url


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        yield client


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield launched
        await launched.close()


@pytest.fixture
async def stand(  # noqa: PLR0913, PLR0917 -- fixtures are named by their parameters
    gateway: str,
    http: httpx.AsyncClient,
    firestore: AsyncClient,
    page_project: str,
    secrets_file: Path,
    opentable: LocalOpenTable,
) -> Stand:
    """A restaurant of the test's own, with the demo's staff."""
    client = AsyncClient(project=page_project)
    client._firestore_api_internal = firestore._firestore_api
    restaurant, key = new_restaurant(), encode_signing_secret(uuid.uuid4().bytes * 2)
    await seed(client, restaurant)
    for role, uid in DEMO_STAFF_UIDS.items():
        await paths.staff_member_document(client, restaurant.id, uid).set({"role": role})
    credentials = {"clientId": "demo-client", "clientSecret": "demo-secret"}
    keep_secret(secrets_file, restaurant.secret, credentials | {"webhookSecrets": [key]})
    stored = Stored(client, restaurant.settings())
    sender = Sender(f"{gateway}/opentable-webhook", http, restaurant, key, stored)
    return Stand(gateway, http, client, sender, opentable)


@pytest.fixture
async def visit(stand: Stand, browser: Browser) -> AsyncIterator[Visit]:
    """Opens the page at a screen as one of the demo's staff, and fails on any error in it."""
    errors: list[str] = []
    contexts = []

    async def come(
        role: str = "host",
        screen: str = f"book/{DAY}",
        now: datetime | None = None,
        **options: object,
    ) -> Page:
        context = await browser.new_context(**options)  # type: ignore[arg-type] # Playwright's own
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = await context.new_page()
        if now:
            # Only what the page takes for the time stands still; its timers go on.
            await page.clock.set_fixed_time(now)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda told: errors.append(told.text) if "Policy" in told.text else None)
        await page.goto(f"{stand.url}/#/{stand.restaurant.id}/{screen}")
        await page.get_by_role("button", name=f"The demo {role}").click()
        await page.locator("main#main:not(.sign-in)").wait_for()
        # One window has the focus, and others may be open.
        await page.bring_to_front()
        return page

    yield come
    for context in contexts:
        await context.close()
    assert errors == []
