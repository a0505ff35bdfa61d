"""`onboard`: from nothing to a restaurant whose ledger is level with its book.

Each step looks at what is there and changes only what is not as wanted, so that running the
command again after an interruption goes on where it stopped.
"""

import argparse
from typing import Any

from cli.backfill import backfill
from cli.console import Console
from cli.credentials import (
    CREDENTIAL_KEYS,
    CredentialPayload,
    deliver_credentials,
    generate_credentials,
    prompt_api_credential,
    prompt_webhook_credential,
    read_credentials,
)
from cli.desk import OperatorClient
from cli.endings import CommandResult
from cli.reconcile import reconcile_and_print_report
from shared.domain.settings import WebhookAuthScheme
from shared.errors import InvalidSettingsError
from shared.reconciliation.run import ReconciliationRequest

_DEFAULT_SCHEME = WebhookAuthScheme.BEARER
NO_SCHEME = "none"


async def onboard(api: OperatorClient, console: Console, args: argparse.Namespace) -> CommandResult:
    """Connect a restaurant.

    Raises:
        InvalidSettingsError: When something must be mended first; what was done stays done.
        NotConfirmedError: When the operator does not want to free a rid.
        RefusalError: When the settings cannot be written as they are wanted.
        TryAgainError: When it cannot be ended just now.
    """
    before = await api.get("integration")
    _confirm_new_rid(console, before, args.rid)
    schemes = _select_schemes(before, args.webhook_auth)
    credentials = _collect_credentials(console, before, schemes, args)
    settings = await _write_settings(
        api, console, before, _requested_settings(args, schemes), credentials
    )
    await _test_connection(api, console)
    settings = await _enable_integration(api, console, settings)
    progress = await backfill(api, console)
    console.print_step(
        "Backfill",
        f"{progress['startDate']} to {progress['endDate']}: {_format_row_counts(progress)}",
    )
    reconciliation = await reconcile_and_print_report(api, console, ReconciliationRequest())
    _print_next_steps(console, schemes)
    output = {"integration": settings, "backfill": dict(progress), "report": reconciliation.output}
    return CommandResult(output, is_action_required=reconciliation.is_action_required)


def _confirm_new_rid(console: Console, before: dict[str, Any], rid: str) -> None:
    if before["restaurantId"] not in {None, rid}:
        console.confirm(
            f"This restaurant holds the OpenTable number {before['restaurantId']}; with {rid} "
            "that one becomes free, and its reservations stay in the ledger, where the next "
            "reconciliation finds them missing at OpenTable."
        )


def _select_schemes(before: dict[str, Any], requested: list[str] | None) -> list[WebhookAuthScheme]:
    if requested is None:
        return [WebhookAuthScheme(name) for name in before["webhookAuth"]] or [_DEFAULT_SCHEME]
    return sorted(WebhookAuthScheme(name) for name in requested if name != NO_SCHEME)


def _collect_credentials(
    console: Console,
    before: dict[str, Any],
    schemes: list[WebhookAuthScheme],
    args: argparse.Namespace,
) -> CredentialPayload:
    """Return the credentials to store: given, asked for, or made where a scheme lacks one."""
    given = read_credentials(args.credentials_file) if args.credentials_file else {}
    stored = before["credentials"] or {"api": False}
    can_prompt = console.is_terminal and not args.credentials_file
    if can_prompt and not stored["api"]:
        given |= prompt_api_credential(console)
    missing = [
        scheme
        for scheme in schemes
        if CREDENTIAL_KEYS[scheme] not in given and not stored.get(CREDENTIAL_KEYS[scheme])
    ]
    typed = (
        {CREDENTIAL_KEYS[scheme]: prompt_webhook_credential(console, scheme) for scheme in missing}
        if can_prompt
        else {}
    )
    given |= {key: [text] for key, text in typed.items() if text}
    new = generate_credentials(scheme for scheme in missing if CREDENTIAL_KEYS[scheme] not in given)
    if new:
        deliver_credentials(console, new, args.save_to)
    return given | new


def _requested_settings(
    args: argparse.Namespace, schemes: list[WebhookAuthScheme]
) -> dict[str, Any]:
    settings = {
        "restaurantId": args.rid,
        "timeZone": args.time_zone,
        "country": args.country,
        "webhookAuth": [scheme.value for scheme in schemes],
    }
    return {name: value for name, value in settings.items() if value is not None}


async def _write_settings(
    api: OperatorClient,
    console: Console,
    before: dict[str, Any],
    requested: dict[str, Any],
    credentials: CredentialPayload,
) -> dict[str, Any]:
    """Write the settings that differ and the credentials; an unused integration stays off."""
    changed: dict[str, Any] = {n: v for n, v in requested.items() if before[n] != v}
    if not changed and not credentials:
        console.print_step("Settings", "as wanted already")
        return before
    body = changed | ({"credentials": credentials} if credentials else {})
    after = await api.call("PUT", "integration", body=body)
    if changed:
        console.print_step("Settings", f"written: {', '.join(changed)}")
    if credentials:
        console.print_step(
            "Secret", f"stored in {after['secret']}: {', '.join(sorted(credentials))}"
        )
    return after


async def _test_connection(api: OperatorClient, console: Console) -> None:
    test_result = await api.call("POST", "integration/test")
    if not test_result["works"]:
        raise InvalidSettingsError(
            f"OpenTable cannot be asked. {test_result['problem']} "
            "What was written is kept; mend this and run the command again."
        )
    console.print_step("Connection", "OpenTable answers with this restaurant's rows")


async def _enable_integration(
    api: OperatorClient, console: Console, settings: dict[str, Any]
) -> dict[str, Any]:
    if settings["enabled"]:
        console.print_step("Integration", "switched on already")
        return settings
    settings = await api.call("PUT", "integration", body={"enabled": True})
    console.print_step("Integration", "switched on: webhooks are taken, the next poll includes it")
    return settings


def _format_row_counts(progress: Any) -> str:
    counts = ("created", "updated", "unchanged", "stale", "quarantined")
    parts = [f"{progress[name]} {name}" for name in counts if progress[name]]
    return f"{progress['fetched']} rows" + (f" ({', '.join(parts)})" if parts else "")


def _print_next_steps(console: Console, schemes: list[WebhookAuthScheme]) -> None:
    if schemes:
        console.print_line(
            "Next: have OpenTable (or the relay) post to the address of opentable-webhook with "
            "its credential; `status` then tells when the first webhook was heard."
        )
    else:
        console.print_line(
            "Next: nothing. No webhook is accepted; the polls keep the ledger level."
        )
