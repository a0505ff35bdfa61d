"""The integration, for managers: settings, credentials, the connection, pause and resume."""

import json
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.public.conftest import Visit
from tests.public.stand import Stand


def held_in(file: Path, stand: Stand) -> dict[str, Any]:
    """Return what the restaurant's secret holds."""
    held: dict[str, Any] = json.loads(file.read_text())[stand.restaurant.secret]
    return held


async def test_a_credential_is_stored_and_never_shown_again(
    stand: Stand, visit: Visit, secrets_file: Path
) -> None:
    page = await visit("manager", "integration")
    await page.get_by_label("Enter a new").select_option("Webhook bearer token")
    entry = page.get_by_role("textbox", name="Webhook bearer token")
    await entry.fill("a-token-that-nobody-sees")
    async with page.expect_response("**/integration") as answer:
        await page.get_by_role("button", name="Store it").click()
    await expect(page.locator("main")).to_contain_text("1 bearer token")
    held = held_in(secrets_file, stand)
    assert held["bearerTokens"] == ["a-token-that-nobody-sees"]
    assert "a-token-that-nobody-sees" not in await page.content()
    assert "a-token-that-nobody-sees" not in await (await answer.value).text()
    await expect(page.locator("input[type=password]").first).to_have_value("")


async def test_a_credential_is_not_readable_while_it_is_typed(visit: Visit) -> None:
    page = await visit("manager", "integration")
    await expect(page.get_by_label("Client secret")).to_have_attribute("type", "password")


async def test_a_rotation_keeps_the_one_before(
    stand: Stand, visit: Visit, secrets_file: Path
) -> None:
    page = await visit("manager", "integration")
    await page.get_by_label("Enter a new").select_option("Webhook signing secret")
    await page.get_by_role("textbox", name="signing secret").fill("whsec_bmV3LXNlY3JldC1ieXRlcw==")
    await page.get_by_role("button", name="Store it").click()
    await expect(page.locator("main")).to_contain_text("2 signing secrets")
    held = held_in(secrets_file, stand)
    assert held["webhookSecrets"] == ["whsec_bmV3LXNlY3JldC1ieXRlcw==", stand.sender.key]


async def test_pausing_asks_first_and_resuming_undoes_it(stand: Stand, visit: Visit) -> None:
    page = await visit("manager", "integration")
    await page.get_by_role("button", name="Pause …").click()
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.get_by_role("heading", name="Paused")).to_be_visible()
    assert (await stand.sender.send(stand.sender.envelope())).status_code == 403
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("heading", name="Running")).to_be_visible()
    assert (await stand.sender.send(stand.sender.envelope())).status_code == 200


async def test_the_connection_is_tried_for_real(stand: Stand, visit: Visit) -> None:
    stand.opentable.booked(stand.restaurant.rid, 4)
    page = await visit("manager", "integration")
    await page.get_by_role("button", name="Test the connection").click()
    await expect(page.locator("main")).to_contain_text("OpenTable answered with a reservation.")


async def test_a_connection_that_does_not_work_says_what_to_do(visit: Visit) -> None:
    page = await visit("manager", "integration")
    await page.get_by_role("button", name="Test the connection").click()
    await expect(page.locator("[aria-live] .note.bad")).to_be_visible()


async def test_the_settings_are_saved(visit: Visit) -> None:
    page = await visit("manager", "integration")
    await page.get_by_label("Time zone").fill("America/Chicago")
    await page.get_by_label("Country").fill("us")
    await page.get_by_label("Bearer token", exact=True).check()
    await page.get_by_role("button", name="Save the settings").click()
    await expect(page.get_by_role("status")).to_have_text("The settings are saved.")
    await page.reload()
    await expect(page.get_by_label("Time zone")).to_have_value("America/Chicago")
    await expect(page.get_by_label("Country")).to_have_value("US")
    await expect(page.get_by_label("Bearer token", exact=True)).to_be_checked()


async def test_a_setting_that_is_refused_says_why(visit: Visit) -> None:
    page = await visit("manager", "integration")
    await page.get_by_label("Time zone").fill("Mars/Olympus")
    await page.get_by_role("button", name="Save the settings").click()
    await expect(page.get_by_role("alert")).to_contain_text("must be an IANA zone")
