"""The commands `restaurants …`: connect restaurants, show their state, change their settings."""

from typing import Any

import click

from cli.api import OperatorClient, OperatorSession
from cli.command import list_restaurants, operator_command, restaurant_command
from cli.help import LedgerGroup
from cli.onboard import (
    SETTING_LABELS,
    add_restaurant,
    country_option,
    select_schemes,
    time_zone_option,
    webhook_auth_option,
    write_settings,
)
from cli.output import CommandResult, Console
from cli.status import NO_RESTAURANT, show_status
from shared.restaurants.settings import release_rid


@operator_command("list", examples=["ledger restaurants list", "ledger restaurants list --json"])
async def print_restaurants(session: OperatorSession, console: Console) -> CommandResult:
    """List all restaurants that have an OpenTable integration."""
    connected = await list_restaurants(session)
    rows = [("id", "name", "time zone", "status")]
    for row in connected:
        status = (row["health"] or {}).get("status", "NONE")
        rows.append((row["id"], row["name"] or "", row["timeZone"] or "", status))
    console.print_list(rows, empty=NO_RESTAURANT)
    return CommandResult({"restaurants": connected})


@restaurant_command("pause", examples=["ledger restaurants pause bistro-7"])
async def pause_restaurant(api: OperatorClient, console: Console) -> CommandResult:
    """Disable a restaurant's integration for some time.

    Webhooks are answered with 403, polls and reconciliations skip the restaurant. `resume` fetches
    what changed in between.
    """
    console.confirm(f"Webhooks, polls and reconciliations of {api.restaurant_id} stop.")
    return await _set_enabled(api, console, is_enabled=False)


@restaurant_command("resume", examples=["ledger restaurants resume bistro-7"])
async def resume_restaurant(api: OperatorClient, console: Console) -> CommandResult:
    """Enable a restaurant's integration again.

    The next poll fetches what changed in between.
    """
    return await _set_enabled(api, console, is_enabled=True)


async def _set_enabled(api: OperatorClient, console: Console, *, is_enabled: bool) -> CommandResult:
    before = await api.get("integration")
    state = "enabled" if is_enabled else "disabled"
    if before["enabled"] == is_enabled:
        console.print_step("Integration", f"already {state}")
        return CommandResult({"integration": before})
    after = await api.call("PUT", "integration", body={"enabled": is_enabled})
    console.print_step("Integration", state)
    return CommandResult({"integration": after})


@restaurant_command("remove", examples=["ledger restaurants remove bistro-7 --release-rid"])
@click.option(
    "--release-rid",
    "is_rid_released",
    is_flag=True,
    help="Let another restaurant use the OpenTable number.",
)
async def remove_restaurant(
    api: OperatorClient, console: Console, *, is_rid_released: bool
) -> CommandResult:
    """Disconnect a restaurant and keep its data.

    The OpenTable number stays reserved for this restaurant unless --release-rid is given.
    """
    before = await api.get("integration")
    rid_note = ", and its OpenTable number becomes free" if is_rid_released else ""
    console.confirm(
        f"Webhooks, polls and reconciliations of {api.restaurant_id} stop{rid_note}. "
        "Its data is kept."
    )
    # A reserved number still identifies the sender of a webhook (403, not 401), prevents
    # another restaurant from using it by mistake, and lets `restaurants add` continue.
    if before["enabled"]:
        await api.call("PUT", "integration", body={"enabled": False})
    console.print_step("Integration", "disabled" if before["enabled"] else "already disabled")
    if is_rid_released:
        context = api.app_context
        rid = await release_rid(context.firestore, api.restaurant_id, context.clock())
        console.print_step("Rid", f"{rid} is free" if rid else "none to release")
    after = await api.get("integration")
    console.print_line(
        "Kept: reservations, journal, guests, reports, quarantine. `ledger export` copies them."
    )
    if after["secret"]:
        console.print_line(f"Kept: the secret {after['secret']}. Delete it if nothing uses it.")
    return CommandResult({"integration": after})


@restaurant_command(
    "set",
    examples=[
        'ledger restaurants set bistro-7 --name "Bistro 7" --country GB',
        "ledger restaurants set bistro-7 --webhook-auth bearer --webhook-auth standard-webhooks",
    ],
)
@click.option("--name", metavar="TEXT", help="Name of the restaurant, for the page.")
@time_zone_option()
@country_option
@webhook_auth_option("")
async def set_settings(
    api: OperatorClient,
    console: Console,
    *,
    name: str | None,
    time_zone: str | None,
    country: str | None,
    webhook_auth: tuple[str, ...],
) -> CommandResult:
    """Change settings of a restaurant; without flags, show them."""
    before = await api.get("integration")
    requested: dict[str, Any] = {"name": name, "timeZone": time_zone, "country": country}
    if webhook_auth:
        schemes = select_schemes(webhook_auth, before)
        requested["webhookAuth"] = [scheme.value for scheme in schemes]
    changed = {
        name: value
        for name, value in requested.items()
        if value is not None and before[name] != value
    }
    if "webhookAuth" in changed and before["webhookAuth"]:
        removed = set(before["webhookAuth"]) - set(changed["webhookAuth"])
        if removed:
            console.confirm(f"Webhooks with {', '.join(sorted(removed))} will be rejected.")
    after = await write_settings(api, console, changed) if changed else before
    for setting, label in SETTING_LABELS.items():
        mark = f" (was {_format_setting(before[setting])})" if setting in changed else ""
        console.print_step(label.capitalize(), f"{_format_setting(after[setting])}{mark}")
    return CommandResult({"integration": after})


def _format_setting(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


restaurants = LedgerGroup(
    "restaurants",
    help="Connect restaurants, show their state and change their settings.",
    commands=[
        print_restaurants,
        add_restaurant,
        show_status,
        pause_restaurant,
        resume_restaurant,
        remove_restaurant,
        set_settings,
    ],
    examples=["ledger restaurants list", "ledger restaurants status bistro-7"],
)
