"""The integration, for managers: settings, credentials, the connection, pause and resume."""

import json
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.public.conftest import OpenPage
from tests.public.harness import PageHarness


def stored_secret(file: Path, stand: PageHarness) -> dict[str, Any]:
    """Return the restaurant's stored secret."""
    payload: dict[str, Any] = json.loads(file.read_text())[stand.restaurant.secret]
    return payload


async def test_a_credential_is_stored_and_never_shown_again(
    harness: PageHarness, open_page: OpenPage, secrets_file: Path
) -> None:
    page = await open_page("manager", "integration")
    await page.get_by_label("Enter a new").select_option("Webhook bearer token")
    entry = page.get_by_role("textbox", name="Webhook bearer token")
    await entry.fill("a-token-that-nobody-sees")
    async with page.expect_response("**/integration") as answer:
        await page.get_by_role("button", name="Store it").click()
    await expect(page.locator("main")).to_contain_text("1 bearer token")
    held = stored_secret(secrets_file, harness)
    assert held["bearerTokens"] == ["a-token-that-nobody-sees"]
    assert "a-token-that-nobody-sees" not in await page.content()
    assert "a-token-that-nobody-sees" not in await (await answer.value).text()
    await expect(page.locator("input[type=password]").first).to_have_value("")


async def test_a_credential_is_not_readable_while_it_is_typed(open_page: OpenPage) -> None:
    page = await open_page("manager", "integration")
    await expect(page.get_by_label("Client secret")).to_have_attribute("type", "password")


async def test_a_rotation_does_not_remove_the_previous_credential(
    harness: PageHarness, open_page: OpenPage, secrets_file: Path
) -> None:
    page = await open_page("manager", "integration")
    await page.get_by_label("Enter a new").select_option("Webhook signing secret")
    await page.get_by_role("textbox", name="signing secret").fill("whsec_bmV3LXNlY3JldC1ieXRlcw==")
    await page.get_by_role("button", name="Store it").click()
    await expect(page.locator("main")).to_contain_text("2 signing secrets")
    held = stored_secret(secrets_file, harness)
    assert held["webhookSecrets"] == ["whsec_bmV3LXNlY3JldC1ieXRlcw==", harness.sender.key]


async def test_pausing_requires_confirmation_and_resuming_undoes_it(
    harness: PageHarness, open_page: OpenPage
) -> None:
    page = await open_page("manager", "integration")
    await page.get_by_role("button", name="Pause …").click()
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.get_by_role("heading", name="Paused")).to_be_visible()
    assert (await harness.sender.send(harness.sender.envelope())).status_code == 403
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("heading", name="Running")).to_be_visible()
    assert (await harness.sender.send(harness.sender.envelope())).status_code == 200


async def test_the_connection_test_calls_opentable(
    harness: PageHarness, open_page: OpenPage
) -> None:
    harness.opentable.book_at(harness.restaurant.rid, 4)
    page = await open_page("manager", "integration")
    await page.get_by_role("button", name="Test the connection").click()
    await expect(page.locator("main")).to_contain_text("OpenTable answered with a reservation.")


async def test_a_failed_connection_test_shows_advice(open_page: OpenPage) -> None:
    page = await open_page("manager", "integration")
    await page.get_by_role("button", name="Test the connection").click()
    await expect(page.locator("[aria-live] .note.bad")).to_be_visible()


async def test_the_settings_are_saved(open_page: OpenPage) -> None:
    page = await open_page("manager", "integration")
    await page.get_by_label("Time zone").fill("America/Chicago")
    await page.get_by_label("Country").fill("us")
    await page.get_by_label("Bearer token", exact=True).check()
    await page.get_by_role("button", name="Save the settings").click()
    await expect(page.get_by_role("status")).to_have_text("The settings are saved.")
    await page.reload()
    await expect(page.get_by_label("Time zone")).to_have_value("America/Chicago")
    await expect(page.get_by_label("Country")).to_have_value("US")
    await expect(page.get_by_label("Bearer token", exact=True)).to_be_checked()


async def test_a_rejected_setting_shows_the_reason(open_page: OpenPage) -> None:
    page = await open_page("manager", "integration")
    await page.get_by_label("Time zone").fill("Mars/Olympus")
    await page.get_by_role("button", name="Save the settings").click()
    await expect(page.get_by_role("alert")).to_contain_text("The time zone is unknown")
