"""Sign-in as in production, with Firebase's responses simulated in the browser."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from dev.local.demo_staff import DEMO_STAFF_UIDS, build_unsigned_token
from tests.public.harness import (
    BROWSER_TIMEOUT_MS,
    PAGE_DAY,
    PageHarness,
    close_context,
    expect_day,
    url_ending,
)

HOUR = 3600
RIGHT = "right"
CODE = "123456"
AUTHENTICATOR_APP = {"mfaEnrollmentId": "factor-1", "totpInfo": {}}
TEXT_MESSAGE = {"mfaEnrollmentId": "factor-2", "phoneInfo": "+1******0100"}


class FakeFirebase:
    """Simulate Hosting's configuration, the Identity Toolkit and the token service."""

    def __init__(self, project: str) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.is_over = False
        self.factors: list[dict[str, Any]] = []
        self._project = project

    async def play(self, context: BrowserContext) -> None:
        """Take the place of Firebase in a browser."""
        await context.route("**/__/firebase/init.json", self._configure)
        toolkit = "https://identitytoolkit.googleapis.com"
        await context.route(f"{toolkit}/**", self._sign_in)
        await context.route(f"{toolkit}/v1/accounts:sendOobCode?*", self._send_email)
        await context.route(
            f"{toolkit}/v2/accounts/mfaSignIn:finalize?*", self._finish_second_factor
        )
        await context.route("https://securetoken.googleapis.com/**", self._renew)

    async def _configure(self, route: Route) -> None:
        await route.fulfill(json={"projectId": self._project, "apiKey": "web-key"})

    async def _sign_in(self, route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        self.asked.append(("sign-in", body))
        if body["password"] != RIGHT:
            return await respond_refused(route, "INVALID_LOGIN_CREDENTIALS")
        if self.factors:
            pending = {"mfaPendingCredential": "pending-1", "mfaInfo": self.factors}
            return await respond_allowed(route, pending)
        person = {"email": body["email"], "idToken": self._token(), "refreshToken": "renew-1"}
        return await respond_allowed(route, {**person, "expiresIn": str(HOUR)})

    async def _send_email(self, route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        self.asked.append(("send email", body))
        if body["email"].startswith("nobody"):
            return await respond_refused(route, "EMAIL_NOT_FOUND")
        return await respond_allowed(route, {"email": body["email"]})

    async def _finish_second_factor(self, route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        self.asked.append(("second factor", body))
        if body["totpVerificationInfo"]["verificationCode"] != CODE:
            return await respond_refused(route, "INVALID_CODE : the code is wrong")
        return await respond_allowed(route, {"idToken": self._token(), "refreshToken": "renew-1"})

    async def _renew(self, route: Route) -> None:
        body = {name: text for name, [text] in parse_qs(route.request.post_data or "").items()}
        self.asked.append(("renew", body))
        if self.is_over:
            return await respond_refused(route, "TOKEN_EXPIRED")
        renewed = {"id_token": self._token(), "refresh_token": "renew-2"}
        return await respond_allowed(route, {**renewed, "expires_in": str(HOUR)})

    def _token(self) -> str:
        return build_unsigned_token(self._project, DEMO_STAFF_UIDS["host"], int(time.time()))


async def respond_allowed(route: Route, body: dict[str, Any]) -> None:
    await route.fulfill(json=body, headers={"Access-Control-Allow-Origin": "*"})


async def respond_refused(route: Route, code: str) -> None:
    headers = {"Access-Control-Allow-Origin": "*"}
    await route.fulfill(status=400, json={"error": {"message": code}}, headers=headers)


@pytest.fixture
def firebase(page_project: str) -> FakeFirebase:
    return FakeFirebase(page_project)


@pytest.fixture
async def page(
    harness: PageHarness, browser: Browser, firebase: FakeFirebase
) -> AsyncIterator[Page]:
    context = await browser.new_context()
    context.set_default_timeout(BROWSER_TIMEOUT_MS)
    await firebase.play(context)
    opened = await context.new_page()
    await opened.goto(f"{harness.url}/#/{harness.restaurant.id}/reservations/{PAGE_DAY}")
    yield opened
    await close_context(context)


async def sign_in(page: Page, password: str = RIGHT) -> None:
    await page.get_by_label("Email").fill("hanna@example.com")
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_the_right_password_opens_the_reservations(page: Page) -> None:
    await sign_in(page)
    await expect_day(page, "Saturday, March 14")
    await expect(page.locator(".who")).to_have_text("hanna@example.com")


async def test_a_wrong_password_is_explained(page: Page) -> None:
    await sign_in(page, "wrong")
    await expect(page.get_by_role("alert")).to_have_text("Incorrect email or password")


async def test_a_session_stays_signed_in(page: Page, firebase: FakeFirebase) -> None:
    await sign_in(page)
    await page.get_by_role("link", name="Reservations").wait_for()
    await page.reload()
    await expect_day(page, "Saturday, March 14")
    assert firebase.asked[-1] == (
        "renew",
        {"grant_type": "refresh_token", "refresh_token": "renew-1"},
    )


async def test_no_password_is_stored(page: Page) -> None:
    await sign_in(page)
    await page.get_by_role("link", name="Reservations").wait_for()
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert RIGHT not in kept


async def test_a_session_ended_by_firebase_requires_sign_in(
    page: Page, firebase: FakeFirebase
) -> None:
    await sign_in(page)
    await page.get_by_role("link", name="Reservations").wait_for()
    firebase.is_over = True
    await page.reload()
    await expect(page.get_by_label("Password")).to_be_visible()


async def test_signing_out_clears_the_session(page: Page) -> None:
    await sign_in(page)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    kept = await page.evaluate("({...localStorage})")
    assert kept.keys() == {"staff.restaurant"}


async def test_production_offers_no_demo(page: Page) -> None:
    await expect(page.get_by_label("Password")).to_be_visible()
    await expect(page.get_by_role("button", name="View as")).to_have_count(0)


async def test_a_url_without_a_restaurant_opens_the_last_one(
    page: Page, harness: PageHarness
) -> None:
    await sign_in(page)
    await page.get_by_role("link", name="Reservations").wait_for()
    await page.goto("about:blank")
    await page.goto(f"{harness.url}/")
    await expect(page.get_by_label("Go to date")).to_be_visible()
    await expect(page).to_have_url(url_ending(f"#/{harness.restaurant.id}/reservations"))


@pytest.mark.parametrize("email", ["hanna@example.com", "nobody@example.com"])
async def test_a_password_reset_never_shows_whether_the_account_exists(
    email: str, page: Page, firebase: FakeFirebase
) -> None:
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("button", name="Forgot password?").click()
    await expect(page.get_by_role("alert")).to_have_text(
        f"If {email} has an account, we sent a link to set a new password."
    )
    assert firebase.asked == [("send email", {"requestType": "PASSWORD_RESET", "email": email})]


async def test_a_password_reset_needs_an_address(page: Page, firebase: FakeFirebase) -> None:
    await page.get_by_role("button", name="Forgot password?").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter your email address")
    assert firebase.asked == []


async def test_a_second_factor_is_requested(page: Page, firebase: FakeFirebase) -> None:
    firebase.factors = [TEXT_MESSAGE, AUTHENTICATOR_APP]
    await sign_in(page)
    await page.get_by_label("Code from your authenticator app").fill("123 456")
    await page.get_by_role("button", name="Sign in").click()
    await expect_day(page, "Saturday, March 14")
    assert firebase.asked[-1] == (
        "second factor",
        {
            "mfaPendingCredential": "pending-1",
            "mfaEnrollmentId": "factor-1",
            "totpVerificationInfo": {"verificationCode": CODE},
        },
    )


async def test_a_wrong_code_can_be_corrected(page: Page, firebase: FakeFirebase) -> None:
    firebase.factors = [AUTHENTICATOR_APP]
    await sign_in(page)
    code = page.get_by_label("Code from your authenticator app")
    await code.fill("654321")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("Incorrect code")
    await code.fill(CODE)
    await page.get_by_role("button", name="Sign in").click()
    await expect_day(page, "Saturday, March 14")


async def test_a_factor_by_text_message_is_explained(page: Page, firebase: FakeFirebase) -> None:
    firebase.factors = [TEXT_MESSAGE]
    await sign_in(page)
    await expect(page.get_by_role("alert")).to_contain_text("Ask your administrator")
