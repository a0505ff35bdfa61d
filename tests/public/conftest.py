import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from dev.local.demo_staff import DEMO_STAFF_UIDS
from dev.local.emulator import Emulator
from dev.local.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable
from sandbox.webhook_senders import encode_signing_secret
from shared.firestore import paths
from tests.public.harness import PAGE_DAY, PageHarness
from tests.public.sample_data import ScreenData, seed_screen_data
from tests.support.firestore import make_client
from tests.support.ledger import StoredLedger as Stored
from tests.support.opentable import LocalOpenTable
from tests.support.restaurants import new_restaurant, seed, write_secret
from tests.support.webhooks import WebhookSender

OpenPage = Callable[..., Awaitable[Page]]

CHROMIUM = shutil.which("chromium")
CHROMIUM_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
GATEWAY_COMMAND = [sys.executable, "-m", "dev.local.gateway", "--port"]
HTTP_TIMEOUT_SECONDS = 30
BROWSER_TIMEOUT_MS = 15_000  # others may be busy on the same machine
expect.set_options(timeout=BROWSER_TIMEOUT_MS)


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
def gateway(
    emulator: Emulator, page_project: str, secrets_file: Path, local_opentable: LocalOpenTable
) -> Iterator[str]:
    """The whole product on one address, as `make run` serves it."""
    port = find_free_port()
    variables = {
        "GOOGLE_CLOUD_PROJECT": page_project,
        "FIRESTORE_EMULATOR_HOST": emulator.host,
        "SECRETS_FILE": str(secrets_file),
        "OPENTABLE_API_URL": local_opentable.url,
        "OPENTABLE_OAUTH_URL": local_opentable.url,
    }
    url = f"http://{LOOPBACK}:{port}"
    with run_process([*GATEWAY_COMMAND, str(port)], print, os.environ | variables) as child:
        wait_until_reachable(url, HTTP_TIMEOUT_SECONDS, child)
        yield url


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=CHROMIUM_SWITCHES
        )
        yield launched
        await launched.close()


@pytest.fixture
async def harness(
    gateway: str,
    http: httpx.AsyncClient,
    firestore_api: FirestoreAsyncClient,
    page_project: str,
    secrets_file: Path,
    local_opentable: LocalOpenTable,
) -> AsyncIterator[PageHarness]:
    """A restaurant of the test's own, with the demo's staff."""
    client = make_client(page_project, firestore_api)
    restaurant, key = new_restaurant(), encode_signing_secret(uuid.uuid4().bytes * 2)
    await seed(client, restaurant)
    members = {
        role: paths.staff_member_document(client, restaurant.id, uid)
        for role, uid in DEMO_STAFF_UIDS.items()
    }
    for role, member in members.items():
        await member.set({"role": role, "uid": member.id})
    credentials = {"clientId": "demo-client", "clientSecret": "demo-secret"}
    write_secret(secrets_file, restaurant.secret, credentials | {"webhookSecrets": [key]})
    stored = Stored(client, restaurant.settings())
    sender = WebhookSender(f"{gateway}/opentable-webhook", http, restaurant, key, stored)
    yield PageHarness(gateway, http, client, sender, local_opentable)
    # The page lists every restaurant of the demo's staff.
    for member in members.values():
        await member.delete()


# Tests provoke failed requests, and Playwright itself blocks the service worker.
# Chromium sometimes gives a hint about a form for secrets while it is redrawn.
EXPECTED_LINES = ("Failed to load resource", "blocked by Playwright", "[DOM] Password forms")


def is_unexpected(line: str) -> bool:
    """Whether the page must not write this line to the console."""
    return not any(part in line for part in EXPECTED_LINES)


async def close_context(context: BrowserContext) -> None:
    """Close a browser context, also while it handles a routed request.

    Otherwise the handler's error is raised in the next test.
    """
    await context.unroute_all(behavior="ignoreErrors")
    for page in context.pages:
        await page.unroute_all(behavior="ignoreErrors")
    await context.close()


@pytest.fixture
async def open_page(harness: PageHarness, browser: Browser) -> AsyncIterator[OpenPage]:
    """Opens the page at a screen as one of the demo's staff, and fails on any error in it."""
    errors: list[str] = []
    contexts = []

    async def open_at(
        role: str = "host",
        screen: str = f"reservations/{PAGE_DAY}",
        now: datetime | None = None,
        **options: object,
    ) -> Page:
        # Playwright cannot intercept the requests of a page with a service worker.
        options = {"service_workers": "block", **options}
        context = await browser.new_context(**options)  # type: ignore[arg-type] # Playwright's own
        context.set_default_timeout(BROWSER_TIMEOUT_MS)
        contexts.append(context)
        page = await context.new_page()
        if now:
            # Only the page's clock is fixed; timers run.
            await page.clock.set_fixed_time(now)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: errors.append(message.text) if is_unexpected(message.text) else None,
        )
        await page.goto(f"{harness.url}/#/{harness.restaurant.id}/{screen}")
        await page.get_by_role("button", name=f"View as {role}").click()
        await page.locator("main#main:not(.sign-in)").wait_for()
        # One window has the focus, and others may be open.
        await page.bring_to_front()
        return page

    yield open_at
    for context in contexts:
        await close_context(context)
    assert errors == []


@pytest.fixture
async def screen_data(harness: PageHarness) -> ScreenData:
    return await seed_screen_data(harness)
