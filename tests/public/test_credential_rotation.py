"""A manager rotates a credential and sees which one is in use."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from sandbox.webhook_senders import encode_signing_secret
from tests.public.harness import PageHarness
from tests.public.test_integration import stored_secret, webhook_credentials_form
from tests.support.restaurants import write_secret

NEW = encode_signing_secret(b"n" * 32)


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """The manager's screen of the connection."""
    return await harness.open_page("manager", "integration")


async def test_the_credential_in_use_is_shown(harness: PageHarness, secrets_file: Path) -> None:
    write_secret(
        secrets_file, harness.restaurant.secret, {"webhookSecrets": [NEW, harness.sender.key]}
    )
    await harness.send_envelope()
    page = await harness.open_page("manager", "integration")
    used = page.get_by_role("table", name="Credentials in use")
    await expect(used.get_by_role("row", name="Newest")).to_contain_text("never")
    await expect(used.get_by_role("row", name="Older")).to_contain_text("just now")


async def test_right_after_a_rotation_the_use_is_unknown(harness: PageHarness, page: Page) -> None:
    form = webhook_credentials_form(page)
    await form.get_by_text("Enter the sender's instead").click()
    await form.get_by_role("textbox", name="Signing secret").fill(NEW)
    await form.get_by_role("button", name="Save").click()
    await expect(page.locator("main")).to_contain_text("Use is shown from")
    assert (await harness.sender.send(harness.sender.envelope())).status_code == 200


async def test_the_older_one_is_retired(harness: PageHarness, secrets_file: Path) -> None:
    write_secret(
        secrets_file, harness.restaurant.secret, {"webhookSecrets": [NEW, harness.sender.key]}
    )
    page = await harness.open_page("manager", "integration")
    await page.get_by_role("button", name="Revoke the older signing secret …").click()
    await page.get_by_role("button", name="Revoke", exact=True).click()
    await expect(page.get_by_role("status")).to_have_text(
        "Only the newest signing secret is valid now."
    )
    await expect(page.get_by_role("heading", name="Rotation")).to_have_count(0)
    assert stored_secret(secrets_file, harness)["webhookSecrets"] == [NEW]


async def test_with_one_of_each_nothing_is_being_rotated(page: Page) -> None:
    await expect(page.get_by_role("heading", name="Webhook credentials")).to_be_visible()
    await expect(page.get_by_role("heading", name="Rotation")).to_have_count(0)
