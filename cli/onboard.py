"""The commands `onboard` and `offboard`: connect a restaurant to OpenTable, or disconnect it.

Each step of `onboard` compares first and changes only differences. A second run therefore
continues after an interruption.
"""

from typing import Any, TypeAlias

import click

from cli.backfill import backfill_with_progress
from cli.context import OperatorClient, restaurant_command
from cli.credentials import (
    CREDENTIAL_KEYS,
    CredentialPayload,
    obtain_webhook_credentials,
    read_credentials,
)
from cli.output import CommandError, CommandResult, Console
from cli.reconcile import reconcile_and_print_report
from shared.domain.normalization.identifiers import is_rid
from shared.domain.settings import WebhookAuthScheme
from shared.reconciliation.run import ReconciliationRequest
from shared.restaurants.settings import release_rid

_NO_SCHEME = "none"

Integration: TypeAlias = dict[str, Any]


def _check_rid(_context: click.Context, _parameter: click.Parameter, rid: str) -> str:
    if not is_rid(rid):
        raise click.BadParameter(f"{rid!r} is not an OpenTable number: use digits only.")
    return rid


@restaurant_command(
    "onboard",
    example="onboard restaurant-123 --rid 555001 --time-zone America/New_York",
    requires_integration=False,
)
@click.option(
    "--rid", required=True, callback=_check_rid, help="OpenTable's number of the restaurant."
)
@click.option("--time-zone", required=True, help="IANA time zone, such as America/New_York.")
@click.option("--country", help="ISO country of phone numbers without a country code.")
@click.option(
    "--webhook-auth",
    multiple=True,
    type=click.Choice([*(scheme.value for scheme in WebhookAuthScheme), _NO_SCHEME]),
    help="Accepted webhook authentication; repeatable. Default: the present one, else bearer. "
    "`none` accepts no webhooks.",
)
@click.option(
    "--credentials-file", metavar="FILE", help="JSON object with credentials; - for stdin."
)
@click.option("--save-to", metavar="FILE", help="New file for generated credentials.")
async def onboard(
    api: OperatorClient,
    console: Console,
    *,
    rid: str,
    time_zone: str,
    country: str | None,
    webhook_auth: tuple[str, ...],
    credentials_file: str | None,
    save_to: str | None,
) -> CommandResult:
    """Connect a restaurant, or continue an interrupted onboarding.

    Writes the settings and credentials, tests the connection to OpenTable, enables the
    integration, imports all reservations and reconciles. A second run changes only differences.
    """
    before = await api.get("integration")
    # A change of the number may be a typing error, and it gives up the old one.
    if before["restaurantId"] not in {None, rid}:
        console.confirm(
            f"This restaurant has the OpenTable number {before['restaurantId']}. With {rid}, the "
            "old number becomes free; its reservations stay in the ledger, and the next "
            "reconciliation reports them as missing at OpenTable."
        )
    if webhook_auth:
        schemes = sorted(WebhookAuthScheme(name) for name in webhook_auth if name != _NO_SCHEME)
    else:
        schemes = [WebhookAuthScheme(name) for name in before["webhookAuth"]]
        schemes = schemes or [WebhookAuthScheme.BEARER]
    credentials = _collect_credentials(console, before, schemes, credentials_file, save_to)
    settings = {
        "restaurantId": rid,
        "timeZone": time_zone,
        "webhookAuth": [scheme.value for scheme in schemes],
    }
    if country is not None:
        settings["country"] = country
    integration = await _write_settings(api, console, before, settings, credentials)
    test_result = await api.call("POST", "integration/test")
    if not test_result["works"]:
        raise CommandError(
            f"The connection to OpenTable failed. {test_result['problem']} "
            "The settings were saved: correct this and run the command again."
        )
    console.print_step("Connection", "OpenTable returns this restaurant's reservations")
    if integration["enabled"]:
        console.print_step("Integration", "already enabled")
    else:
        # Enabled before the backfill: events may arrive in any order, so no webhook is rejected.
        integration = await api.call("PUT", "integration", body={"enabled": True})
        console.print_step(
            "Integration", "enabled: webhooks are accepted, the next poll includes it"
        )
    backfill = await backfill_with_progress(api, console)
    counts = ", ".join(
        f"{backfill[name]} {name}"
        for name in ("created", "updated", "unchanged", "stale", "quarantined")
        if backfill[name]
    )
    console.print_step(
        "Backfill",
        f"{backfill['startDate']} to {backfill['endDate']}: {backfill['fetched']} rows"
        + (f" ({counts})" if counts else ""),
    )
    reconciliation = await reconcile_and_print_report(api, console, ReconciliationRequest())
    console.print_line(
        "Next: configure OpenTable or the relay to send webhooks with this credential to "
        "opentable-webhook; `status` shows the first webhook."
        if schemes
        else "Next: nothing. No webhook is accepted; the polls keep the ledger up to date."
    )
    output = {
        "integration": integration,
        "backfill": dict(backfill),
        "report": reconciliation.output,
    }
    return CommandResult(output, is_action_required=reconciliation.is_action_required)


def _collect_credentials(
    console: Console,
    before: Integration,
    schemes: list[WebhookAuthScheme],
    credentials_file: str | None,
    save_to: str | None,
) -> CredentialPayload:
    """Return the credentials to store: from a file or prompts, or generated."""
    credentials = read_credentials(credentials_file) if credentials_file else {}
    # None if the secret cannot be read; then everything is collected again.
    stored = before["credentials"] or {"api": False}
    can_prompt = console.is_terminal and not credentials_file
    if can_prompt and not stored["api"]:
        client_id = console.prompt("OpenTable client id [Enter: use the partner secret]")
        if client_id:
            client_secret = console.prompt("OpenTable client secret", is_hidden=True)
            credentials |= {"clientId": client_id, "clientSecret": client_secret}
    missing = [
        scheme
        for scheme in schemes
        if CREDENTIAL_KEYS[scheme] not in credentials and not stored.get(CREDENTIAL_KEYS[scheme])
    ]
    return credentials | obtain_webhook_credentials(
        console, missing, can_prompt=can_prompt, save_to=save_to
    )


async def _write_settings(
    api: OperatorClient,
    console: Console,
    before: Integration,
    settings: dict[str, Any],
    credentials: CredentialPayload,
) -> Integration:
    """Write new credentials and changed settings."""
    changed = {name: value for name, value in settings.items() if before[name] != value}
    if not changed and not credentials:
        console.print_step("Settings", "unchanged")
        return before
    body = changed | ({"credentials": credentials} if credentials else {})
    integration = await api.call("PUT", "integration", body=body)
    if changed:
        console.print_step("Settings", f"written: {', '.join(changed)}")
    if credentials:
        names = ", ".join(sorted(credentials))
        console.print_step("Secret", f"stored in {integration['secret']}: {names}")
    return integration


@restaurant_command("offboard", example="offboard restaurant-123")
@click.option(
    "--release-rid",
    "is_rid_released",
    is_flag=True,
    help="Let another restaurant use the OpenTable number.",
)
async def offboard(
    api: OperatorClient, console: Console, *, is_rid_released: bool
) -> CommandResult:
    """Disable a restaurant's integration and keep its data.

    The OpenTable number stays reserved for this restaurant unless --release-rid is given.
    """
    before = await api.get("integration")
    rid_note = ", and its OpenTable number becomes free" if is_rid_released else ""
    console.confirm(
        f"Webhooks, polls and reconciliations of {api.restaurant_id} stop{rid_note}. "
        "Its reservations, journal and reports are kept."
    )
    # A reserved number still identifies the sender of a webhook (403, not 401), prevents
    # another restaurant from using it by mistake, and lets `onboard` continue.
    if before["enabled"]:
        await api.call("PUT", "integration", body={"enabled": False})
    console.print_step("Integration", "disabled" if before["enabled"] else "already disabled")
    if is_rid_released:
        context = api.app_context
        rid = await release_rid(context.firestore, api.restaurant_id, context.clock())
        console.print_step("Rid", f"{rid} is free" if rid else "none to release")
    after = await api.get("integration")
    console.print_line(
        "Kept: reservations, journal, guests, reports, quarantine. `export` copies them."
    )
    if after["secret"]:
        console.print_line(f"Kept: the secret {after['secret']}. Delete it if nothing uses it.")
    return CommandResult({"integration": after})
