"""The command `restaurants add`: connect a restaurant to OpenTable.

Each step compares first and changes only differences. A second run therefore continues after an
interruption. The OpenTable number is claimed before a credential is stored: a refused command
leaves nothing that authenticates a sender.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import click

from cli.api import OperatorClient
from cli.backfill import backfill_with_progress
from cli.command import restaurant_command
from cli.credentials import (
    CredentialPayload,
    NewCredentials,
    credentials_file_option,
    obtain_credentials,
    read_credentials,
    save_to_option,
)
from cli.output import CommandError, CommandResult, Console
from cli.reports import reconcile_and_print_report
from cli.target import build_run_url
from shared.domain.normalization.identifiers import is_rid
from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth import CREDENTIAL_KEYS
from shared.reconciliation.run import ReconciliationOptions

SETTING_LABELS = {
    "name": "name",
    "restaurantId": "rid",
    "timeZone": "time zone",
    "country": "country",
    "webhookAuth": "webhook auth",
    "secret": "secret",
}
_NO_SCHEME = "none"

Integration: TypeAlias = dict[str, Any]

time_zone_option = partial(
    click.option, "--time-zone", metavar="ZONE", help="IANA time zone, such as America/New_York."
)
country_option = click.option(
    "--country", metavar="CODE", help="ISO country of phone numbers without a country code."
)


def webhook_auth_option(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option for the accepted schemes; `default` is a sentence for its help."""
    return click.option(
        "--webhook-auth",
        multiple=True,
        type=click.Choice([*(scheme.value for scheme in WebhookAuthScheme), _NO_SCHEME]),
        help=f"Accepted webhook authentication; repeatable. {default}`none` accepts no webhooks.",
    )


def parse_rid(text: str) -> str:
    """Return OpenTable's number of a restaurant."""
    if not is_rid(text):
        raise click.BadParameter(f"{text!r} is not an OpenTable number: use digits only.")
    return text


@restaurant_command(
    "add",
    examples=[
        "ledger restaurants add bistro-7 --rid 555002 --time-zone Europe/London --country GB",
        "ledger restaurants add bistro-7 --rid 555002 --time-zone Etc/UTC --save-to new.json",
        "ledger restaurants add bistro-7 --rid 555002 --time-zone Etc/UTC --webhook-auth none",
    ],
    requires_integration=False,
)
@click.option(
    "--rid",
    required=True,
    type=parse_rid,
    metavar="NUMBER",
    help="OpenTable's number of the restaurant.",
)
@time_zone_option(required=True)
@country_option
@webhook_auth_option("Default: the present one, else bearer. ")
@credentials_file_option
@save_to_option
async def add_restaurant(
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
    """Connect a restaurant, or continue an interrupted command.

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
    schemes = select_schemes(webhook_auth, before)
    credentials = _collect_credentials(console, before, schemes, credentials_file, save_to)
    settings = {"restaurantId": rid, "timeZone": time_zone}
    if country is not None:
        settings["country"] = country
    changed = {name: value for name, value in settings.items() if before[name] != value}
    integration = await _store_configuration(api, console, changed, schemes, credentials)
    integration = await _test_and_enable(api, console, integration)
    if api.local_run is not None:
        for role, email in api.local_run.status["demoStaff"].items():
            await api.call("POST", "staff", body={"email": email, "role": role})
        page = build_run_url(api.local_run.port, f"/#/{api.restaurant_id}/reservations")
        console.print_step("Page", page)
    backfill = await backfill_with_progress(api, console)
    reconciliation = await reconcile_and_print_report(api, console, ReconciliationOptions())
    console.print_line(
        f"Next: configure OpenTable or the relay to send webhooks with this credential to the "
        f"address that `ledger webhooks url {api.restaurant_id}` prints."
        if schemes
        else "Next: nothing. No webhook is accepted; the polls keep the ledger up to date."
    )
    return CommandResult(
        {"integration": integration, "backfill": backfill, "report": reconciliation.output},
        is_action_required=reconciliation.is_action_required,
    )


def select_schemes(names: tuple[str, ...], before: Integration) -> list[WebhookAuthScheme]:
    """Return the given schemes, else the stored ones, else bearer."""
    if names:
        return sorted(WebhookAuthScheme(name) for name in names if name != _NO_SCHEME)
    stored = [WebhookAuthScheme(name) for name in before["webhookAuth"]]
    return stored or [WebhookAuthScheme.BEARER]


def _collect_credentials(
    console: Console,
    before: Integration,
    schemes: list[WebhookAuthScheme],
    credentials_file: str | None,
    save_to: str | None,
) -> NewCredentials:
    """Return the credentials to store: from a file or prompts, or generated."""
    entered: CredentialPayload = read_credentials(credentials_file) if credentials_file else {}
    # None if the secret cannot be read; then everything is collected again.
    stored = before["credentials"] or {"api": False}
    can_prompt = console.is_terminal and not credentials_file
    if can_prompt and not stored["api"]:
        client_id = console.prompt("OpenTable client id [Enter: use the partner secret]")
        if client_id:
            client_secret = console.prompt("OpenTable client secret", is_hidden=True)
            entered |= {"clientId": client_id, "clientSecret": client_secret}
    missing = [
        scheme
        for scheme in schemes
        if CREDENTIAL_KEYS[scheme] not in entered and not stored.get(CREDENTIAL_KEYS[scheme])
    ]
    return obtain_credentials(
        console, missing, entered=entered, can_prompt=can_prompt, save_to=save_to
    )


async def _store_configuration(
    api: OperatorClient,
    console: Console,
    settings: Integration,
    schemes: list[WebhookAuthScheme],
    credentials: NewCredentials,
) -> Integration:
    """Write the settings, claim the OpenTable number, then store and deliver the credentials."""
    try:
        if settings:
            await write_settings(api, console, settings)
    except CommandError:  # such as a number that another restaurant has
        credentials.discard()
        raise
    labels = ", ".join(SETTING_LABELS[name] for name in settings)
    console.print_step("Settings", f"written: {labels}" if settings else "unchanged")
    names = [scheme.value for scheme in schemes]
    integration = await api.get("integration")
    body: dict[str, Any] = {} if integration["webhookAuth"] == names else {"webhookAuth": names}
    if credentials.payload:
        body["credentials"] = credentials.payload
    if body:
        integration = await api.call("PUT", "integration", body=body)
    if credentials.payload:
        keys = ", ".join(sorted(credentials.payload))
        console.print_step("Secret", f"stored in {integration['secret']}: {keys}")
    credentials.deliver(console)
    return integration


async def _test_and_enable(
    api: OperatorClient, console: Console, integration: Integration
) -> Integration:
    """Enable the integration if OpenTable accepts its credentials."""
    test_result = await api.call("POST", "integration/test")
    if not test_result["works"]:
        raise CommandError(
            f"The connection to OpenTable failed. {test_result['problem']} "
            "The settings were saved: correct this and run the command again."
        )
    console.print_step("Connection", "OpenTable returns this restaurant's reservations")
    if integration["enabled"]:
        console.print_step("Integration", "already enabled")
        return integration
    # Enabled before the backfill: events may arrive in any order, so no webhook is rejected.
    integration = await api.call("PUT", "integration", body={"enabled": True})
    console.print_step("Integration", "enabled: webhooks are accepted, the next poll includes it")
    return integration


async def write_settings(
    api: OperatorClient, console: Console, settings: Integration
) -> Integration:
    """Write settings; ask first if a new time zone moves reservations to another day."""
    try:
        return await api.call("PUT", "integration", body=settings)
    except CommandError as error:
        if error.code != "TIME_ZONE_UNCONFIRMED":
            raise
        console.confirm(error.message.removesuffix(" Nothing was changed. Confirm the change."))
    return await api.call("PUT", "integration", body=settings | {"confirmTimeZone": True})
