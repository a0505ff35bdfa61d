"""`rotate`: add a new webhook credential and retire the old one once it is unused."""

import argparse
from typing import Any

from cli.console import Console
from cli.credentials import (
    CREDENTIAL_KEYS,
    deliver_credentials,
    generate_credentials,
    prompt_webhook_credential,
    read_credentials,
)
from cli.desk import OperatorClient
from cli.endings import CommandResult
from cli.usage import CredentialUsage, format_usage, read_credential_usage
from shared.domain.settings import WebhookAuthScheme
from shared.domain.webhook_auth.credentials import Credentials
from shared.errors import InvalidSettingsError
from shared.restaurants.secrets import build_secret_store


async def rotate_credential(
    api: OperatorClient, console: Console, args: argparse.Namespace
) -> CommandResult:
    """Enter a new credential, tell whether it is in use, or retire the old ones.

    Raises:
        InvalidSettingsError: When the restaurant's own secret holds none of the scheme.
        NotConfirmedError: When the operator does not want a sender locked out.
        RefusalError: When it cannot be written.
    """
    scheme = WebhookAuthScheme(args.scheme)
    if args.check:
        return await _check_usage(api, console, scheme)
    live_count = await _count_restaurant_keys(api, scheme)
    if args.retire:
        return await _retire_old_keys(api, console, scheme, live_count)
    return await _add_credential(api, console, scheme, live_count, args)


async def _count_restaurant_keys(api: OperatorClient, scheme: WebhookAuthScheme) -> int:
    """Return how many credentials of a scheme the restaurant's own secret holds."""
    integration = await api.get("integration")
    if integration["secret"] is None:
        raise _no_credential_error(scheme)
    payload = await build_secret_store(api.app_context.environment).read(integration["secret"])
    credentials = Credentials.from_payload(integration["secret"], payload)
    keys: tuple[str, ...] = {
        WebhookAuthScheme.BEARER: credentials.bearer_tokens,
        WebhookAuthScheme.BASIC: credentials.basic_credentials,
        WebhookAuthScheme.STANDARD_WEBHOOKS: credentials.webhook_secrets,
    }[scheme]
    if not keys:
        raise _no_credential_error(scheme)
    return len(keys)


def _no_credential_error(scheme: WebhookAuthScheme) -> InvalidSettingsError:
    return InvalidSettingsError(
        f"This restaurant's own secret holds no credential for {scheme}: where the partner's "
        "secret serves it, rotate that secret; else enter one with `onboard`."
    )


async def _add_credential(
    api: OperatorClient,
    console: Console,
    scheme: WebhookAuthScheme,
    live_count: int,
    args: argparse.Namespace,
) -> CommandResult:
    if live_count > 1 and not args.at_once:
        console.confirm(f"{live_count} keys are live already: the oldest of them will be refused.")
    if args.at_once:
        console.confirm("Every webhook with the present key will be refused from now on.")
    new_credentials = _obtain_credential(console, scheme, args)
    body = {"credentials": new_credentials | {"keepPrevious": not args.at_once}}
    after = await api.call("PUT", "integration", body=body)
    console.print_step("Secret", f"{after['secret']}: the new {scheme} credential is live")
    console.print_line(
        "Next: give it to the sender. `rotate --check` tells when it is in use, and "
        "`rotate --retire` then ends the old one."
    )
    return CommandResult({"integration": after})


def _obtain_credential(
    console: Console, scheme: WebhookAuthScheme, args: argparse.Namespace
) -> dict[str, Any]:
    key = CREDENTIAL_KEYS[scheme]
    if args.credentials_file:
        given = read_credentials(args.credentials_file)
        if given.keys() != {key}:
            raise InvalidSettingsError(f"The credentials must hold {key} and nothing else.")
        return given
    typed = (
        prompt_webhook_credential(console, scheme)
        if console.is_terminal and not args.save_to
        else None
    )
    if typed:
        return {key: [typed]}
    new = generate_credentials([scheme])
    deliver_credentials(console, new, args.save_to)
    return new


async def _check_usage(
    api: OperatorClient, console: Console, scheme: WebhookAuthScheme
) -> CommandResult:
    uses = await _read_scheme_usage(api, scheme)
    for line in format_usage(uses):
        console.print_line(line)
    if not uses:
        console.print_line(f"No webhook that told something new was proved by {scheme} lately.")
    return CommandResult(
        {"webhookKeys": [use.to_json() for use in uses]},
        is_action_required=not _is_newest_in_use(uses),
    )


async def _retire_old_keys(
    api: OperatorClient, console: Console, scheme: WebhookAuthScheme, live_count: int
) -> CommandResult:
    if live_count == 1:
        console.print_step("Secret", f"only one {scheme} credential is live: nothing to retire")
        return CommandResult({"integration": await api.get("integration")})
    if not _is_newest_in_use(await _read_scheme_usage(api, scheme)):
        console.confirm("The new key is not seen in use yet: a sender with the old one is refused.")
    body: dict[str, Any] = {"credentials": {CREDENTIAL_KEYS[scheme]: []}}
    after = await api.call("PUT", "integration", body=body)
    console.print_step("Secret", f"{after['secret']}: only the newest {scheme} credential is live")
    return CommandResult({"integration": after})


async def _read_scheme_usage(
    api: OperatorClient, scheme: WebhookAuthScheme
) -> list[CredentialUsage]:
    return [use for use in await read_credential_usage(api) if use.scheme == scheme]


def _is_newest_in_use(uses: list[CredentialUsage]) -> bool:
    return any(use.is_newest for use in uses)
