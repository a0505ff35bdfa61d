"""The command `restaurants status`: settings, health and problems of a restaurant's integration."""

from typing import Any

from cli.api import OperatorClient
from cli.command import restaurant_command
from cli.credential_usage import format_usage, read_credential_usage
from cli.output import CommandResult, Console


@restaurant_command(
    "status",
    examples=[
        "ledger restaurants status restaurant-123",
        "ledger restaurants status restaurant-123 --json",
    ],
)
async def show_status(api: OperatorClient, console: Console) -> CommandResult:
    """Show a restaurant's settings, health and problems.

    Lines with "!" are problems for an operator.
    """
    integration = await api.get("integration")
    health = await api.get("health")
    backfill = await api.get("integration/backfill")
    usages = await read_credential_usage(api)
    problems = _find_problems(integration, health)
    report, stored = health["reconciliation"], integration["credentials"]
    if stored is None:
        credentials = "cannot be read"
    else:
        counts = ("webhookSecrets", "bearerTokens", "basicCredentials")
        parts = [f"{stored[name]} {name}" for name in counts if stored[name]]
        credentials = ", ".join([f"API {'yes' if stored['api'] else 'no'}", *parts])
    if backfill["status"] == "NONE":
        backfill_text = "none yet"
    else:
        days = f"{backfill['daysDone']} of {backfill['daysTotal']} days"
        backfill_text = f"{backfill['status']}, {days}"
    console.print_table(
        [
            ("Integration", "enabled" if health["enabled"] else "disabled"),
            ("Rid", integration["restaurantId"] or "none"),
            ("Time zone", integration["timeZone"] or "none"),
            ("Webhook auth", ", ".join(integration["webhookAuth"]) or "none: no webhook accepted"),
            ("Credentials", credentials),
            ("Last webhook", health["lastWebhookAt"] or "none yet"),
            ("Last poll", health["poll"]["lastPolledAt"] or "none yet"),
            ("Last report", f"{report['reconciledAt']} {report['status']}" if report else "none"),
            ("Backfill", backfill_text),
            ("Quarantine", f"{health['openQuarantine']} open"),
        ]
    )
    for line in format_usage(usages):
        console.print_line(line)
    for problem in problems:
        console.print_problem(problem)
    output = {
        "integration": integration,
        "health": health,
        "backfill": backfill,
        "webhookKeys": [usage.to_json() for usage in usages],
    }
    return CommandResult(output, is_action_required=bool(problems))


def _find_problems(integration: dict[str, Any], health: dict[str, Any]) -> list[str]:
    """Return one sentence for each problem; a disabled integration has none."""
    if not health["enabled"]:
        return []
    problems = [*integration["problems"], *health["problems"]]
    if health["poll"]["lastError"]:
        problems.append(f"The last poll failed: {health['poll']['lastError']}")
    report = health["reconciliation"]
    if report and report["status"] in {"HELD", "FAILED"}:
        problems.append(f"Report {report['reportId']} is {report['status']}: {report['reason']}")
    if health["webhooksSilentSince"]:
        problems.append(f"No webhook was received since {health['webhooksSilentSince']}.")
    if health["failingGuests"]:
        problems.append(
            f"{health['failingGuests']} guests cannot be fetched: {health['lastGuestError']}"
        )
    if health["openQuarantine"]:
        problems.append(
            f"Events in quarantine: {health['openQuarantine']}. "
            "`ledger quarantine list` shows them."
        )
    return list(dict.fromkeys(problems))  # the API may report one problem in both places
