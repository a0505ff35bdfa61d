"""Sign-in as in production, against the emulator of Firebase Authentication."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page, Route, expect

from shared.firestore import paths
from tests.public.auth_emulator import AuthEmulator, serving_auth
from tests.public.harness import (
    BROWSER_TIMEOUT_MS,
    PAGE_DAY,
    PageHarness,
    close_context,
    expect_day,
)

PASSWORD = "a long password"
FIREBASE = ("identitytoolkit.googleapis.com", "securetoken.googleapis.com")


@pytest.fixture(scope="module")
def auth_emulator(
    tmp_path_factory: pytest.TempPathFactory, page_project: str
) -> Iterator[AuthEmulator]:
    with serving_auth(tmp_path_factory.mktemp("firebase"), page_project) as started:
        yield started


@pytest.fixture
async def hanna(auth_emulator: AuthEmulator, harness: PageHarness) -> str:
    """A host with an account; the uid is also the first part of the email address."""
    uid = f"hanna{uuid.uuid4().hex[:12]}"
    await auth_emulator.create(uid, f"{uid}@example.com", PASSWORD)
    await paths.staff_member_document(harness.client, harness.restaurant.id, uid).set(
        {"role": "host"}
    )
    return uid


@pytest.fixture
async def page(
    harness: PageHarness, browser: Browser, auth_emulator: AuthEmulator
) -> AsyncIterator[Page]:
    """The page at the sign-in, its calls to Firebase led to the emulator as they are."""
    context = await browser.new_context()
    context.set_default_timeout(BROWSER_TIMEOUT_MS)

    async def configure(route: Route) -> None:
        await route.fulfill(json={"projectId": auth_emulator.project, "apiKey": "web-key"})

    async def lead(route: Route) -> None:
        there = route.request.url.replace("https://", f"{auth_emulator.url}/")
        await route.fulfill(response=await route.fetch(url=there))

    await context.route("**/__/firebase/init.json", configure)
    for host in FIREBASE:
        await context.route(f"https://{host}/**", lead)
    opened = await context.new_page()
    await opened.goto(f"{harness.url}/#/{harness.restaurant.id}/reservations/{PAGE_DAY}")
    yield opened
    await close_context(context)


async def sign_in(page: Page, uid: str, password: str = PASSWORD) -> None:
    await page.get_by_label("Email").fill(f"{uid}@example.com")
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_an_account_opens_the_reservations_and_stays_signed_in(
    page: Page, hanna: str
) -> None:
    await sign_in(page, hanna)
    await expect_day(page, "Saturday, March 14")
    await page.reload()
    await expect_day(page, "Saturday, March 14")


async def test_a_wrong_password_shows_a_message(page: Page, hanna: str) -> None:
    await sign_in(page, hanna, "wrong")
    await expect(page.get_by_role("alert")).to_have_text("Incorrect email or password")


async def test_a_disabled_account_shows_a_message(
    page: Page, hanna: str, auth_emulator: AuthEmulator
) -> None:
    await auth_emulator.change(hanna, disableUser=True)
    await sign_in(page, hanna)
    await expect(page.get_by_role("alert")).to_contain_text("This account is disabled")


async def test_a_deleted_account_must_sign_in_again(
    page: Page, hanna: str, auth_emulator: AuthEmulator
) -> None:
    await sign_in(page, hanna)
    await page.get_by_label("Go to date").wait_for()
    await auth_emulator.delete(hanna)
    await page.reload()
    await expect(page.locator("main.sign-in")).to_contain_text("Your session has ended.")


async def test_the_groups_claim_makes_an_operator(
    page: Page, hanna: str, auth_emulator: AuthEmulator, harness: PageHarness
) -> None:
    claim = '{"operator": true}'
    await auth_emulator.change(hanna, customAttributes=claim)
    # The gateway reads the accounts of its own stand-in.
    accounts = AuthEmulator(harness.url, auth_emulator.project)
    await accounts.create(hanna, f"{hanna}@example.com", PASSWORD, customAttributes=claim)
    await sign_in(page, hanna)
    await page.get_by_role("link", name="OpenTable connection").click()
    await expect(page.get_by_role("heading", name="For operators")).to_be_visible()
