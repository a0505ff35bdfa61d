"""`status`: whether a restaurant's book can be trusted, and what is to be done where not."""

import argparse
from typing import Any

from cli.console import Console
from cli.desk import OperatorClient
from cli.endings import CommandResult
from cli.usage import CredentialUsage, format_usage, read_credential_usage


async def status(api: OperatorClient, console: Console, _args: argparse.Namespace) -> CommandResult:
    """Tell a restaurant's settings and health.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    integration = await api.get("integration")
    health = await api.get("health")
    backfill = await api.get("integration/backfill")
    uses = await read_credential_usage(api)
    _print_status(console, integration, health, backfill, uses)
    output = {
        "integration": integration,
        "health": health,
        "backfill": backfill,
        "webhookKeys": [use.to_json() for use in uses],
    }
    return CommandResult(output, is_action_required=bool(find_problems(integration, health)))


def find_problems(integration: dict[str, Any], health: dict[str, Any]) -> list[str]:
    """Return what wants a person, a sentence each; nothing of an integration that is off."""
    if not health["enabled"]:
        return []
    problems = [*integration["problems"], *health["problems"]]
    if health["poll"]["lastError"]:
        problems.append(f"The newest poll failed: {health['poll']['lastError']}")
    report = health["reconciliation"]
    if report and report["status"] in {"HELD", "FAILED"}:
        problems.append(f"Report {report['reportId']} is {report['status']}: {report['reason']}")
    if health["webhooksSilentSince"]:
        problems.append(f"No webhook was heard since {health['webhooksSilentSince']}.")
    if health["openQuarantine"]:
        problems.append(f"{health['openQuarantine']} statements wait in the quarantine: `replay`.")
    return list(dict.fromkeys(problems))


def _print_status(
    console: Console,
    integration: dict[str, Any],
    health: dict[str, Any],
    backfill: dict[str, Any],
    uses: list[CredentialUsage],
) -> None:
    report = health["reconciliation"]
    console.print_table(
        [
            ("Integration", "on" if health["enabled"] else "off"),
            ("Rid", integration["restaurantId"] or "none"),
            ("Zone", integration["timeZone"] or "none"),
            ("Webhooks by", ", ".join(integration["webhookAuth"]) or "nothing is accepted"),
            ("Credentials", _format_credentials(integration["credentials"])),
            ("Last webhook", health["lastWebhookAt"] or "none yet"),
            ("Last poll", health["poll"]["lastPolledAt"] or "none yet"),
            ("Last report", f"{report['reconciledAt']} {report['status']}" if report else "none"),
            ("Backfill", _format_backfill(backfill)),
            ("Quarantine", f"{health['openQuarantine']} open"),
        ]
    )
    for line in format_usage(uses):
        console.print_line(line)
    for problem in find_problems(integration, health):
        console.print_line(f"! {problem}")


def _format_backfill(progress: dict[str, Any]) -> str:
    if progress["status"] == "NONE":
        return "none yet"
    return f"{progress['status']}, {progress['daysDone']} of {progress['daysTotal']} days"


def _format_credentials(stored: dict[str, Any] | None) -> str:
    if stored is None:
        return "cannot be read"
    counts = ("webhookSecrets", "bearerTokens", "basicCredentials")
    parts = [f"{stored[name]} {name}" for name in counts if stored[name]]
    return ", ".join([f"API {'yes' if stored['api'] else 'no'}", *parts])
