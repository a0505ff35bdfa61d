"""The integration, for managers: settings, credentials, the connection, pause and resume."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from sandbox.webhook_senders import encode_signing_secret
from shared.firestore import paths
from tests.public.harness import PageHarness


def webhook_credentials_form(page: Page) -> Locator:
    """Return the form of the webhooks' credentials."""
    return page.locator("form", has=page.get_by_role("heading", name="Webhook credentials"))


def stored_secret(file: Path, stand: PageHarness) -> dict[str, Any]:
    """Return the restaurant's stored secret."""
    payload: dict[str, Any] = json.loads(file.read_text())[stand.restaurant.secret]
    return payload


@pytest.fixture
async def page(harness: PageHarness) -> Page:
    """The manager's screen of the connection."""
    return await harness.open_page("manager", "integration")


async def test_a_credential_is_stored_and_never_shown_again(
    harness: PageHarness, secrets_file: Path, page: Page
) -> None:
    form = webhook_credentials_form(page)
    await form.get_by_label("Type").select_option("Bearer token")
    await form.get_by_text("Enter the sender's instead").click()
    await form.get_by_role("textbox", name="Bearer token").fill("a-token-that-nobody-sees")
    async with page.expect_response("**/integration") as answer:
        await form.get_by_role("button", name="Save").click()
    await expect(page.locator("main")).to_contain_text("1 bearer token")
    held = stored_secret(secrets_file, harness)
    assert held["bearerTokens"] == ["a-token-that-nobody-sees"]
    assert "a-token-that-nobody-sees" not in await page.content()
    assert "a-token-that-nobody-sees" not in await (await answer.value).text()
    await expect(page.locator("input[type=password]").first).to_have_value("")


async def test_a_credential_is_not_readable_while_it_is_typed(page: Page) -> None:
    await expect(page.get_by_label("Client secret")).to_have_attribute("type", "password")


async def test_a_rotation_does_not_remove_the_previous_credential(
    harness: PageHarness, secrets_file: Path, page: Page
) -> None:
    form = webhook_credentials_form(page)
    await form.get_by_text("Enter the sender's instead").click()
    entry = form.get_by_role("textbox", name="Signing secret")
    await entry.fill("whsec_bmV3LXNlY3JldC1ieXRlcw==")
    await form.get_by_role("button", name="Save").click()
    await expect(page.locator("main")).to_contain_text("2 signing secrets")
    held = stored_secret(secrets_file, harness)
    assert held["webhookSecrets"] == ["whsec_bmV3LXNlY3JldC1ieXRlcw==", harness.sender.key]


async def test_pausing_requires_confirmation_and_resuming_undoes_it(
    harness: PageHarness, page: Page
) -> None:
    await page.get_by_role("button", name="Pause …").click()
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.get_by_role("heading", name="Paused")).to_be_visible()
    assert (await harness.sender.send(harness.sender.envelope())).status_code == 403
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("heading", name="Connected, syncing")).to_be_visible()
    assert (await harness.sender.send(harness.sender.envelope())).status_code == 200


async def test_the_connection_test_calls_opentable(harness: PageHarness) -> None:
    harness.opentable.book_at(harness.restaurant.rid, 4)
    page = await harness.open_page("manager", "integration")
    await page.get_by_role("button", name="Test the connection").click()
    await expect(page.locator("main")).to_contain_text("Connected. OpenTable answered in")


async def test_a_failed_connection_test_shows_advice(page: Page) -> None:
    await page.get_by_role("button", name="Test the connection").click()
    await expect(page.locator("[aria-live] .note.bad")).to_be_visible()


async def test_the_settings_are_saved(page: Page) -> None:
    await page.get_by_label("Time zone").fill("America/Chicago")
    await page.get_by_label("Country").fill("us")
    await page.get_by_label("Bearer token", exact=True).check()
    await page.get_by_role("button", name="Save settings").click()
    await expect(page.get_by_role("status")).to_have_text("The settings are saved.")
    await page.reload()
    await expect(page.get_by_label("Time zone")).to_have_value("America/Chicago")
    await expect(page.get_by_label("Country")).to_have_value("US")
    await expect(page.get_by_label("Bearer token", exact=True)).to_be_checked()


async def test_a_generated_signing_secret_is_shown_once_and_accepted(
    harness: PageHarness, secrets_file: Path, page: Page
) -> None:
    form = webhook_credentials_form(page)
    await form.get_by_role("button", name="Generate").click()
    secret = await form.locator("code.credential").inner_text()
    assert stored_secret(secrets_file, harness)["webhookSecrets"] == [secret, harness.sender.key]
    await page.reload()
    await expect(page.get_by_role("heading", name="Rotation")).to_be_visible()
    assert secret not in await page.content()


async def test_settings_that_somebody_else_changed_are_not_overwritten(
    harness: PageHarness, page: Page
) -> None:
    await page.get_by_label("Country").fill("GB")
    await harness.change_settings(country="FR")
    await page.get_by_role("button", name="Save settings").click()
    await expect(
        page.get_by_role("alert").filter(has_text="changed these settings")
    ).to_be_visible()
    stored = await paths.integration_document(harness.client, harness.restaurant.id).get()
    assert (stored.to_dict() or {})["country"] == "FR"


async def test_a_time_zone_that_moves_reservations_is_confirmed_first(harness: PageHarness) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    await harness.send_envelope(reservationDateTime=f"{later:%Y-%m-%d}T23:15:00Z")
    page = await harness.open_page("manager", "integration")
    await page.get_by_label("Time zone").fill("Asia/Tokyo")
    await page.get_by_role("button", name="Save settings").click()
    dialog = page.get_by_role("dialog", name="Change the time zone?")
    await expect(dialog).to_contain_text("1 reservation")
    await dialog.get_by_role("button", name="Change time zone").click()
    await expect(page.get_by_role("status")).to_have_text("The settings are saved.")
    await expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")


async def test_recent_deliveries_and_refusals_are_listed_with_reasons(harness: PageHarness) -> None:
    await harness.send_envelope()
    other_sender = replace(harness.sender, key=encode_signing_secret(b"x" * 32))
    assert (await other_sender.send(other_sender.envelope("updated", 1))).status_code == 401
    page = await harness.open_page("manager", "integration")
    deliveries = page.get_by_role("table", name="Recent deliveries")
    await expect(deliveries.get_by_role("row", name="Added")).to_contain_text("New reservation")
    await expect(deliveries.get_by_role("row", name="Refused")).to_contain_text(
        "no stored signing secret matches"
    )
    await expect(page.locator(".note.bad")).to_contain_text("1 webhook refused since")
    await page.get_by_label("Only failed ones").check()
    await expect(deliveries.get_by_role("row", name="Added")).to_have_count(0)


async def test_a_rejected_setting_shows_the_reason(page: Page) -> None:
    await page.get_by_label("Time zone").fill("Mars/Olympus")
    await page.get_by_role("button", name="Save settings").click()
    await expect(
        page.get_by_role("alert").filter(has_text="The time zone is unknown")
    ).to_be_visible()
