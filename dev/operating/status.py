"""`status`: whether a restaurant's book can be trusted, and what is to be done where not."""

import argparse
from typing import Any

from dev.operating.console import Console
from dev.operating.desk import Desk
from dev.operating.endings import Ending
from dev.operating.usage import KeyUse, uses_in_words, uses_of


async def status(desk: Desk, console: Console, _said: argparse.Namespace) -> Ending:
    """Tell a restaurant's settings and health.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    integration = await desk.get("integration")
    health = await desk.get("health")
    backfill = await desk.get("integration/backfill")
    uses = await uses_of(desk)
    _tell(console, integration, health, backfill, uses)
    told = {
        "integration": integration,
        "health": health,
        "backfill": backfill,
        "webhookKeys": [use.told() for use in uses],
    }
    return Ending(told, wants_a_person=bool(troubles(integration, health)))


def troubles(integration: dict[str, Any], health: dict[str, Any]) -> list[str]:
    """Return what wants a person, a sentence each; nothing of an integration that is off."""
    if not health["enabled"]:
        return []
    found = [*integration["problems"], *health["problems"]]
    if health["poll"]["lastError"]:
        found.append(f"The newest poll failed: {health['poll']['lastError']}")
    report = health["reconciliation"]
    if report and report["status"] in {"HELD", "FAILED"}:
        found.append(f"Report {report['reportId']} is {report['status']}: {report['reason']}")
    if health["webhooksSilentSince"]:
        found.append(f"No webhook was heard since {health['webhooksSilentSince']}.")
    if health["openQuarantine"]:
        found.append(f"{health['openQuarantine']} statements wait in the quarantine: `replay`.")
    return list(dict.fromkeys(found))


def _tell(
    console: Console,
    integration: dict[str, Any],
    health: dict[str, Any],
    backfill: dict[str, Any],
    uses: list[KeyUse],
) -> None:
    report = health["reconciliation"]
    console.table(
        [
            ("Integration", "on" if health["enabled"] else "off"),
            ("Rid", integration["restaurantId"] or "none"),
            ("Zone", integration["timeZone"] or "none"),
            ("Webhooks by", ", ".join(integration["webhookAuth"]) or "nothing is accepted"),
            ("Credentials", _credentials(integration["credentials"])),
            ("Last webhook", health["lastWebhookAt"] or "none yet"),
            ("Last poll", health["poll"]["lastPolledAt"] or "none yet"),
            ("Last report", f"{report['reconciledAt']} {report['status']}" if report else "none"),
            ("Backfill", _backfill(backfill)),
            ("Quarantine", f"{health['openQuarantine']} open"),
        ]
    )
    for line in uses_in_words(uses):
        console.say(line)
    for trouble in troubles(integration, health):
        console.say(f"! {trouble}")


def _backfill(told: dict[str, Any]) -> str:
    if told["status"] == "NONE":
        return "none yet"
    return f"{told['status']}, {told['daysDone']} of {told['daysTotal']} days"


def _credentials(held: dict[str, Any] | None) -> str:
    if held is None:
        return "cannot be read"
    counts = ("webhookSecrets", "bearerTokens", "basicCredentials")
    told = [f"{held[name]} {name}" for name in counts if held[name]]
    return ", ".join([f"API {'yes' if held['api'] else 'no'}", *told])
