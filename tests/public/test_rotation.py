"""Rotating a credential in sight of which one is used."""

from pathlib import Path

from playwright.async_api import expect

from dev.sandbox.signing import encode_signing_secret
from tests.public.conftest import Visit
from tests.public.stand import Stand
from tests.public.test_integration import held_in
from tests.restaurants import keep_secret

NEW = encode_signing_secret(b"n" * 32)


async def test_the_credential_that_webhooks_come_with_is_told(
    stand: Stand, visit: Visit, secrets_file: Path
) -> None:
    keep_secret(secrets_file, stand.restaurant.secret, {"webhookSecrets": [NEW, stand.sender.key]})
    await stand.hear()
    page = await visit("manager", "integration")
    used = page.get_by_role("table", name="Which is used")
    await expect(used.get_by_role("row", name="The newest")).to_contain_text("not of late")
    await expect(used.get_by_role("row", name="before it")).to_contain_text("just now")


async def test_right_after_a_rotation_it_is_too_early_to_tell(stand: Stand, visit: Visit) -> None:
    page = await visit("manager", "integration")
    await page.get_by_label("Enter a new").select_option("Webhook signing secret")
    await page.get_by_role("textbox", name="signing secret").fill(NEW)
    await page.get_by_role("button", name="Store it").click()
    await expect(page.locator("main")).to_contain_text("Which one is used is told from")
    assert (await stand.sender.send(stand.sender.envelope())).status_code == 200


async def test_the_older_one_is_retired(stand: Stand, visit: Visit, secrets_file: Path) -> None:
    keep_secret(secrets_file, stand.restaurant.secret, {"webhookSecrets": [NEW, stand.sender.key]})
    page = await visit("manager", "integration")
    await page.get_by_role("button", name="Retire the older signing secret …").click()
    await page.get_by_role("button", name="Retire", exact=True).click()
    await expect(page.get_by_role("status")).to_have_text(
        "Only the newest signing secret is valid now."
    )
    await expect(page.get_by_role("heading", name="Rotation")).to_have_count(0)
    assert held_in(secrets_file, stand)["webhookSecrets"] == [NEW]


async def test_with_one_of_each_nothing_is_being_rotated(visit: Visit) -> None:
    page = await visit("manager", "integration")
    await expect(page.get_by_role("heading", name="Credentials")).to_be_visible()
    await expect(page.get_by_role("heading", name="Rotation")).to_have_count(0)
