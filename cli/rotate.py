"""The command `rotate`: replace a webhook credential without rejecting a webhook.

The new credential is added next to the old one; the old one is removed when the new one is in use.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click

from cli.context import OperatorClient, restaurant_command
from cli.credentials import (
    CREDENTIAL_KEYS,
    obtain_webhook_credentials,
    read_credentials,
)
from cli.output import CommandError, CommandResult, Console
from shared.domain.normalization.fields import format_utc
from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth.credentials import Credentials
from shared.polling.webhook_health import WebhookCredentialUse, read_webhook_credential_uses
from shared.restaurants.secrets import SECRETS_CACHE_SECONDS
from shared.restaurants.settings import read_integration_document

_MAX_WEBHOOKS = 200
_CACHE_LIFETIME = timedelta(seconds=SECRETS_CACHE_SECONDS)


@restaurant_command(
    "rotate",
    example="rotate restaurant-123 --save-to new.json",
    exclusive=("check", "retire", "at_once"),
)
@click.option(
    "--scheme",
    "scheme_name",
    type=click.Choice([scheme.value for scheme in WebhookAuthScheme]),
    default=WebhookAuthScheme.BEARER.value,
    show_default=True,
    help="Webhook authentication of the credential.",
)
@click.option("--check", is_flag=True, help="Show whether the new credential is in use.")
@click.option("--retire", is_flag=True, help="Remove the old credentials.")
@click.option(
    "--at-once", is_flag=True, help="Remove the old credentials immediately, after a leak."
)
@click.option(
    "--credentials-file", metavar="FILE", help="JSON object with the credential; - for stdin."
)
@click.option("--save-to", metavar="FILE", help="New file for a generated credential.")
async def rotate_credential(
    api: OperatorClient,
    console: Console,
    *,
    scheme_name: str,
    check: bool,
    retire: bool,
    at_once: bool,
    credentials_file: str | None,
    save_to: str | None,
) -> CommandResult:
    """Replace a webhook credential without downtime.

    First run it without --check and --retire: it adds a new credential, and both are accepted.
    Configure the sender with the new one. When --check shows the new one in use, --retire removes
    the old one.
    """
    scheme = WebhookAuthScheme(scheme_name)
    if check:
        return await _check_usage(api, console, scheme)
    live_count = await _count_credentials(api, scheme)
    if retire:
        return await _retire_old_credentials(api, console, scheme, live_count)
    if at_once:
        console.confirm("Every webhook with the present credential will be rejected from now on.")
    elif live_count > 1:
        console.confirm(f"{live_count} credentials are live: the oldest will be rejected.")
    if credentials_file:
        credentials = read_credentials(credentials_file)
        if credentials.keys() != {CREDENTIAL_KEYS[scheme]}:
            raise CommandError(
                f"The credentials must contain {CREDENTIAL_KEYS[scheme]} and nothing else."
            )
    else:
        can_prompt = console.is_terminal and not save_to
        credentials = obtain_webhook_credentials(
            console, [scheme], can_prompt=can_prompt, save_to=save_to
        )
    body = {"credentials": credentials | {"keepPrevious": not at_once}}
    integration = await api.call("PUT", "integration", body=body)
    console.print_step("Secret", f"{integration['secret']}: the new {scheme} credential is live")
    console.print_line(
        "Next: configure the sender with it. `rotate --check` shows when it is in use; then "
        "`rotate --retire` removes the old one."
    )
    return CommandResult({"integration": integration})


async def _check_usage(
    api: OperatorClient, console: Console, scheme: WebhookAuthScheme
) -> CommandResult:
    usages = [usage for usage in await read_credential_usage(api) if usage.scheme == scheme]
    for line in format_usage(usages):
        console.print_line(line)
    if not usages:
        console.print_line(f"No recent webhook with a new event used {scheme}.")
    return CommandResult(
        {"webhookKeys": [usage.to_json() for usage in usages]},
        is_action_required=not any(usage.is_newest for usage in usages),
    )


async def _count_credentials(api: OperatorClient, scheme: WebhookAuthScheme) -> int:
    """Return how many credentials of a scheme the restaurant's own secret has, at least one."""
    live: Sequence[str] = ()
    secret = (await api.get("integration"))["secret"]
    if secret is not None:
        payload = await api.app_context.secret_store.read(secret)
        credentials = Credentials.from_payload(secret, payload)
        live = {
            WebhookAuthScheme.BEARER: credentials.bearer_tokens,
            WebhookAuthScheme.BASIC: credentials.basic_credentials,
            WebhookAuthScheme.STANDARD_WEBHOOKS: credentials.webhook_secrets,
        }[scheme]
    if not live:
        raise CommandError(
            f"This restaurant's own secret has no credential for {scheme}. If the partner secret "
            "has it, rotate that secret; otherwise enter one with `onboard`."
        )
    return len(live)


async def _retire_old_credentials(
    api: OperatorClient, console: Console, scheme: WebhookAuthScheme, live_count: int
) -> CommandResult:
    if live_count == 1:
        console.print_step("Secret", f"only one {scheme} credential is live: nothing to retire")
        return CommandResult({"integration": await api.get("integration")})
    usages = await read_credential_usage(api)
    if not any(usage.is_newest for usage in usages if usage.scheme == scheme):
        console.confirm(
            "The new credential is not in use yet: webhooks with the old one will be rejected."
        )
    # An empty list adds nothing, and without keepPrevious only the newest one stays.
    body: dict[str, Any] = {"credentials": {CREDENTIAL_KEYS[scheme]: []}}
    integration = await api.call("PUT", "integration", body=body)
    console.print_step(
        "Secret", f"{integration['secret']}: only the newest {scheme} credential is live"
    )
    return CommandResult({"integration": integration})


@dataclass(frozen=True, slots=True)
class CredentialUsage:
    """The newest webhook of a scheme, and its credential.

    `position` counts from 0, the newest credential of the list at that time. `entered_at` is the
    time of the last change of credentials, None if unknown.
    """

    scheme: str
    position: int
    at: datetime
    entered_at: datetime | None

    @property
    def is_newest(self) -> bool | None:
        """Whether it was the newest credential; None if still uncertain."""
        if self.entered_at is None or self.at >= self.entered_at + _CACHE_LIFETIME:
            return self.position == 0
        # Until its cache expires, a server may count positions in the old list: there 0 may be
        # the old credential, but any other position is an old one in both lists.
        return False if self.at >= self.entered_at and self.position else None

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
    client = api.app_context.firestore
    document = await read_integration_document(client, api.restaurant_id) or {}
    entered_at = document.get("credentialsChangedAt")
    uses = await read_webhook_credential_uses(client, api.restaurant_id, _MAX_WEBHOOKS)
    return select_newest_usage(uses, entered_at if isinstance(entered_at, datetime) else None)


def select_newest_usage(
    uses: Iterable[WebhookCredentialUse], entered_at: datetime | None
) -> list[CredentialUsage]:
    """Return the first use of each scheme; `uses` are sorted newest first."""
    newest: dict[str, CredentialUsage] = {}
    for use in uses:
        usage = CredentialUsage(use.scheme, use.position, use.at, entered_at)
        newest.setdefault(use.scheme, usage)
    return list(newest.values())


def format_usage(usages: Iterable[CredentialUsage]) -> Iterator[str]:
    """Yield one line for each scheme."""
    for usage in usages:
        if usage.is_newest is not None or usage.entered_at is None:
            credential = "the newest credential" if usage.is_newest else "an older credential"
        elif usage.at < usage.entered_at:
            credential = "a credential from before the last change"
        else:
            certain_at = format_utc(usage.entered_at + _CACHE_LIFETIME)
            credential = f"probably the newest credential; certain for webhooks after {certain_at}"
        yield f"{usage.scheme:<18} last used at {format_utc(usage.at)} with {credential}"
