import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
from playwright.async_api import Browser, Page, async_playwright, expect

from dev.local.demo_staff import DEMO_STAFF_UIDS
from dev.local.emulator import Emulator
from dev.local.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable
from sandbox.webhook_senders import encode_signing_secret
from shared.firestore import paths
from tests.public.harness import BROWSER_TIMEOUT_MS, BrowserPages, PageHarness
from tests.public.sample_data import ScreenData, seed_screen_data
from tests.support.firestore import make_client
from tests.support.ledger import StoredLedger as Stored
from tests.support.opentable import LocalOpenTable
from tests.support.restaurants import new_restaurant, seed, write_secret
from tests.support.webhooks import WebhookSender

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
    browser: Browser,
    gateway: str,
    http: httpx.AsyncClient,
    firestore_api: FirestoreAsyncClient,
    page_project: str,
    secrets_file: Path,
    local_opentable: LocalOpenTable,
) -> AsyncIterator[PageHarness]:
    """A restaurant of the test's own, with the demo's staff; fails on any error in its pages."""
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
    pages = BrowserPages(browser)
    yield PageHarness(pages, gateway, http, client, sender, local_opentable)
    await pages.close()
    # The page lists every restaurant of the demo's staff.
    for member in members.values():
        await member.delete()
    assert pages.errors == []


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """`PAGE_DAY` as a host sees it; it shows the reservations of the fixtures below."""
    return await harness.open_page()


@pytest.fixture
async def native_reservations(harness: PageHarness) -> None:
    await harness.write_native_reservations()


@pytest.fixture
async def ada_reservation(harness: PageHarness) -> None:
    """A reservation of OpenTable's, for Ada Lovelace."""
    await harness.send_envelope()


@pytest.fixture
async def equal_sides(harness: PageHarness) -> None:
    await harness.make_both_sides_equal()


@pytest.fixture
async def screen_data(harness: PageHarness) -> ScreenData:
    return await seed_screen_data(harness)
