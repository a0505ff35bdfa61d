"""The commands `webhooks rotate`, `check` and `retire`: replace a credential without downtime.

The new credential is added next to the old one; the old one is removed when the new one is in use.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from cli.api import OperatorClient
from cli.command import restaurant_command
from cli.credentials import (
    credentials_file_option,
    obtain_credentials,
    read_credentials,
    save_to_option,
)
from cli.output import CommandError, CommandResult, Console
from shared.domain.ledger.events import is_representable_instant
from shared.domain.normalization.field_values import format_utc
from shared.domain.settings import WebhookAuthScheme
from shared.domain.validation import typed_or_none
from shared.domain.webhook_auth import CREDENTIAL_KEYS, Credentials, group_by_scheme
from shared.ingest.deliveries import WebhookCredentialUse, read_webhook_credential_uses
from shared.restaurants.changes import CHANGE_PICKUP_SECONDS
from shared.restaurants.settings import read_integration_document

_MAX_WEBHOOKS = 200
_PICKUP_TIME = timedelta(seconds=CHANGE_PICKUP_SECONDS)
_REVOCATION_SECONDS = 5  # each instance reads a secret again after a change
_scheme_option = click.option(
    "--scheme",
    type=click.Choice([scheme.value for scheme in WebhookAuthScheme]),
    default=WebhookAuthScheme.BEARER.value,
    help="Webhook authentication of the credential.",
)


@restaurant_command(
    "rotate",
    examples=[
        "ledger webhooks rotate bistro-7 --save-to new.credentials.json",
        "ledger webhooks rotate bistro-7 --at-once --save-to new.credentials.json",
    ],
    exclusive=(("credentials_file", "save_to"),),
)
@_scheme_option
@click.option(
    "--at-once", is_flag=True, help="Revoke the old credentials within seconds, after a leak."
)
@credentials_file_option
@save_to_option
async def rotate_credential(
    api: OperatorClient,
    console: Console,
    *,
    scheme: str,
    at_once: bool,
    credentials_file: str | None,
    save_to: str | None,
) -> CommandResult:
    """Add a new webhook credential next to the old one.

    Both are accepted. Configure the sender with the new one. When `check` shows the new one in use,
    `retire` removes the old one.
    """
    selected = WebhookAuthScheme(scheme)
    live = await _require_live_credentials(api, selected)
    entered = read_credentials(credentials_file) if credentials_file else {}
    if entered and entered.keys() != {CREDENTIAL_KEYS[selected]}:
        raise CommandError(
            f"The credentials must contain {CREDENTIAL_KEYS[selected]} and nothing else."
        )
    credentials = obtain_credentials(
        console,
        [] if entered else [selected],
        entered=entered,
        can_prompt=console.is_terminal,
        save_to=save_to,
    )
    # An interrupted command may have stored it already.
    is_stored = credentials.payload[CREDENTIAL_KEYS[selected]][0] in live
    if at_once:
        console.confirm(
            f"Within {_REVOCATION_SECONDS} seconds, every webhook with the present credential will "
            "be rejected."
        )
    elif len(live) > 1 and not is_stored:
        console.confirm(f"{len(live)} credentials are live: the oldest will be rejected.")
    body = {"credentials": credentials.payload | {"keepPrevious": not at_once}}
    integration = await api.call("PUT", "integration", body=body)
    console.print_step("Secret", f"{integration['secret']}: the new {selected} credential is live")
    credentials.deliver(console)
    name = api.restaurant_id
    console.print_line(
        "Next: configure the sender with it. Until then its webhooks are rejected, and the polls "
        "fetch what they missed."
        if at_once
        else f"Next: configure the sender with it. `ledger webhooks check {name}` shows when it is "
        f"in use; then `ledger webhooks retire {name}` removes the old one."
    )
    return CommandResult({"integration": integration})


@restaurant_command("check", examples=["ledger webhooks check bistro-7"])
@_scheme_option
async def check_credential(api: OperatorClient, console: Console, *, scheme: str) -> CommandResult:
    """Show whether the newest webhook credential is in use.

    Exit code 4 means that no webhook is known to use it yet.
    """
    usages = [usage for usage in await read_credential_usage(api) if usage.scheme == scheme]
    for line in format_usage(usages):
        console.print_line(line)
    if not usages:
        console.print_line(f"No recent webhook with a new event used {scheme}.")
    return CommandResult(
        {"webhookKeys": [usage.to_json() for usage in usages]},
        is_action_required=not any(usage.is_newest for usage in usages),
    )


@restaurant_command("retire", examples=["ledger webhooks retire bistro-7"])
@_scheme_option
async def retire_credentials(
    api: OperatorClient, console: Console, *, scheme: str
) -> CommandResult:
    """Remove the old webhook credentials; only the newest one stays."""
    selected = WebhookAuthScheme(scheme)
    if len(await _require_live_credentials(api, selected)) == 1:
        console.print_step("Secret", f"only one {scheme} credential is live: nothing to retire")
        return CommandResult({"integration": await api.get("integration")})
    usages = await read_credential_usage(api)
    if not any(usage.is_newest for usage in usages if usage.scheme == scheme):
        console.confirm(
            "The new credential is not in use yet: webhooks with the old one will be rejected."
        )
    # An empty list adds nothing, and without keepPrevious only the newest one stays.
    body: dict[str, Any] = {"credentials": {CREDENTIAL_KEYS[selected]: []}}
    integration = await api.call("PUT", "integration", body=body)
    console.print_step(
        "Secret", f"{integration['secret']}: only the newest {scheme} credential is live"
    )
    return CommandResult({"integration": integration})


async def _require_live_credentials(
    api: OperatorClient, scheme: WebhookAuthScheme
) -> Sequence[str]:
    """Return the credentials of a scheme in the restaurant's own secret, at least one."""
    secret = (await api.get("integration"))["secret"]
    live = (await read_webhook_credentials(api, secret))[scheme] if secret else ()
    if not live:
        raise CommandError(
            f"This restaurant's own secret has no credential for {scheme}. If the partner secret "
            "has it, rotate that secret; otherwise enter one with `ledger restaurants add`."
        )
    return live


async def read_webhook_credentials(
    api: OperatorClient, secret_id: str
) -> Mapping[WebhookAuthScheme, Sequence[str]]:
    """Return the webhook credentials in a secret by scheme, newest first."""
    payload = await api.app_context.secret_store.read(secret_id)
    return group_by_scheme(Credentials.from_payload(secret_id, payload))


@dataclass(frozen=True, slots=True)
class CredentialUsage:
    """The newest webhook of a scheme, and its credential.

    `position` counts from 0, the newest credential of the list at that time. `entered_at` is the
    time of the last change of credentials by a command or on the page, None without one.
    """

    scheme: str
    position: int
    at: datetime
    entered_at: datetime | None

    @property
    def is_newest(self) -> bool | None:
        """Whether it was the newest credential; None if that is unknown."""
        if self.position:
            # Before a change, another position may have become the newest by a removal.
            return None if self.entered_at and self.at < self.entered_at else False
        # Without a change here, the secret was edited elsewhere, and the list may have changed
        # since. Until an instance has taken up a change, it counts positions in the old list.
        if self.entered_at is None or self.at < self.entered_at + _PICKUP_TIME:
            return None
        return True

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "scheme": self.scheme,
            "credentialIndex": self.position,
            "at": format_utc(self.at),
            "isNewest": self.is_newest,
        }


async def read_credential_usage(api: OperatorClient) -> list[CredentialUsage]:
    """Return the newest use of each scheme, from the restaurant's newest webhooks."""
    context = api.app_context
    document = await read_integration_document(context.firestore, api.restaurant_id) or {}
    entered_at = typed_or_none(datetime, document.get("credentialsChangedAt"))
    if entered_at is not None and not is_representable_instant(entered_at):
        entered_at = None  # edited by hand
    uses = await read_webhook_credential_uses(context, api.restaurant_id, _MAX_WEBHOOKS)
    return select_newest_usage(uses, entered_at)


def select_newest_usage(
    uses: Iterable[WebhookCredentialUse], entered_at: datetime | None
) -> list[CredentialUsage]:
    """Return the first use of each scheme; `uses` are sorted newest first."""
    newest: dict[str, CredentialUsage] = {}
    for use in uses:
        usage = CredentialUsage(use.scheme, use.credential_index, use.at, entered_at)
        newest.setdefault(use.scheme, usage)
    return list(newest.values())


def format_usage(usages: Iterable[CredentialUsage]) -> Iterator[str]:
    """Yield one line for each scheme."""
    for usage in usages:
        if usage.is_newest is not None:
            credential = "the newest credential" if usage.is_newest else "an older credential"
        elif usage.entered_at is None:
            credential = "the first credential of the list, which may have changed since"
        elif usage.at < usage.entered_at:
            credential = "a credential from before the last change"
        else:
            known_at = format_utc(usage.entered_at + _PICKUP_TIME)
            credential = f"an unknown credential; webhooks after {known_at} will show it"
        yield f"{usage.scheme} last used at {format_utc(usage.at)} with {credential}"
