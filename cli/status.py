"""The command `restaurants status`: one restaurant's health, or a table of all."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from cli.api import OperatorSession, encode_struct
from cli.command import (
    Restaurant,
    list_restaurants,
    operator_command,
    require_integration,
    restaurant_argument,
)
from cli.output import CommandResult, Console
from cli.rotation import format_usage, read_credential_usage
from shared.domain.health import HealthStatus, WebhookRefusal
from shared.domain.normalization.field_values import format_utc
from shared.ingest.deliveries import read_unresolved_refusals

NO_RESTAURANT = "No restaurant is connected: `ledger restaurants add` connects one."
_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3600
_DAY_SECONDS = 86_400
# The worst status comes first in the enumeration.
_SEVERITY = {status: position for position, status in enumerate(HealthStatus)}
_CREDENTIAL_NAMES = {
    "webhookSecrets": "signing secret",
    "bearerTokens": "bearer token",
    "basicCredentials": "basic credential",
}


@operator_command(
    "status",
    examples=[
        "ledger restaurants status restaurant-123",
        "ledger restaurants status --all",
        "ledger restaurants status restaurant-123 --json",
    ],
    requires_one_of=("restaurant", "is_all"),
)
@restaurant_argument(required=False)
@click.option("--all", "is_all", is_flag=True, help="All restaurants as a table, worst first.")
async def show_status(
    session: OperatorSession, console: Console, *, restaurant: str | None, **_: bool
) -> CommandResult:
    """Show a restaurant's settings, health and problems.

    Lines with "!" are problems for an operator; then the exit code is 4.
    """
    if restaurant is None:
        return await _show_all(session, console)
    await require_integration(session, restaurant)
    api = session.restaurant(restaurant)
    integration, health, backfill = await asyncio.gather(
        api.get("integration"), api.get("health"), api.get("integration/backfill")
    )
    usages = await read_credential_usage(api)
    refusals = await read_unresolved_refusals(api.app_context, restaurant)
    problems = _find_problems(restaurant, integration, health, refusals)
    zone, report = integration["timeZone"], health["reconciliation"]
    progress = f"{backfill['status']}, {backfill['daysDone']} of {backfill['daysTotal']} days"

    def at(time: str | None) -> str:
        return _format_time(time, zone, api)

    console.print_table(
        [
            ("Integration", "enabled" if health["enabled"] else "disabled"),
            ("Rid", integration["restaurantId"] or "none"),
            ("Time zone", zone or "none"),
            ("Webhook auth", ", ".join(integration["webhookAuth"]) or "none: no webhook accepted"),
            ("Credentials", _format_credentials(integration["credentials"])),
            ("Last webhook", at(health["lastWebhookAt"])),
            *(("Credential", line) for line in format_usage(usages)),
            ("Last poll", at(health["poll"]["lastPolledAt"])),
            ("Last report", f"{report['status']}, {at(report['reconciledAt'])}" if report else "-"),
            ("Backfill", progress if backfill["status"] != "NONE" else "none yet"),
            ("Quarantine", f"{health['openQuarantine']} open"),
        ]
    )
    for problem in problems:
        console.print_problem(problem)
    output = {
        "integration": integration,
        "health": health,
        "backfill": backfill,
        "webhookKeys": [usage.to_json() for usage in usages],
        "refusals": [encode_struct(refusal) for refusal in refusals],
        "problems": problems,
    }
    return CommandResult(output, is_action_required=bool(problems))


async def _show_all(session: OperatorSession, console: Console) -> CommandResult:
    restaurants = await list_restaurants(session, include="counts")
    restaurants.sort(key=lambda row: (_SEVERITY[_get_status(row)], row["id"]))
    rows = [("restaurant", "status", "last poll", "quarantine", "divergences", "refused", "why")]
    for row in restaurants:
        health, counts = row["health"] or {}, row["counts"] or {}
        rows.append(
            (
                row["id"],
                health.get("status", "NONE"),
                _format_time(health.get("lastPolledAt"), row["timeZone"], session),
                str(counts.get("openQuarantine", 0)),
                str(health.get("divergences") or 0),
                str(sum(refusal["count"] for refusal in row["refusals"] or ())),
                ", ".join(health.get("reasons", ())),
            )
        )
    console.print_list(rows, empty=NO_RESTAURANT)
    healthy = {HealthStatus.OK, HealthStatus.PAUSED}
    needs_person = any(_get_status(restaurant) not in healthy for restaurant in restaurants)
    return CommandResult({"restaurants": restaurants}, needs_person)


def _get_status(restaurant: Restaurant) -> HealthStatus:
    return HealthStatus((restaurant["health"] or {}).get("status", HealthStatus.OK))


def _find_problems(
    restaurant_id: str,
    integration: Mapping[str, Any],
    health: Mapping[str, Any],
    refusals: Sequence[WebhookRefusal],
) -> list[str]:
    """Return one sentence for each problem; a disabled integration has none."""
    if not health["enabled"]:
        return []
    problems = [*integration["problems"], *health["problems"]]
    problems += [
        f"Webhooks refused: {refusal.count} since {format_utc(refusal.since)}, the last at "
        f"{format_utc(refusal.last_at)}: {refusal.scheme}, {refusal.reason}. "
        "docs/codes.md explains the code."
        for refusal in refusals
    ]
    if health["poll"]["lastError"]:
        problems.append(f"The last poll failed: {health['poll']['lastError']}")
    report = health["reconciliation"]
    if report and report["status"] in {"HELD", "FAILED"}:
        problems.append(f"Report {report['reportId']} is {report['status']}: {report['reason']}")
    open_count = report["counts"]["divergences"] - report["reviewedCount"] if report else 0
    if report and open_count > 0:
        problems.append(
            f"Reservations that differ from OpenTable: {open_count}. "
            f"`ledger reports show {restaurant_id} {report['reportId']}` lists them."
        )
    if health["webhooksSilentSince"]:
        problems.append(
            f"No webhook was received since {health['webhooksSilentSince']}. "
            f"`ledger webhooks recent {restaurant_id}` lists the last ones, refused ones included."
        )
    if health["failingGuests"]:
        problems.append(
            f"{health['failingGuests']} guests cannot be fetched: {health['lastGuestError']}"
        )
    if health["openQuarantine"]:
        problems.append(
            f"Events in quarantine: {health['openQuarantine']}. "
            f"`ledger quarantine list {restaurant_id}` shows them."
        )
    return list(dict.fromkeys(problems))  # the API may report one problem in both places


def _format_credentials(stored: Mapping[str, Any] | None) -> str:
    if stored is None:
        return "cannot be read"
    parts = [f"API {'yes' if stored['api'] else 'no'}"]
    for key, name in _CREDENTIAL_NAMES.items():
        if stored[key]:
            parts.append(f"{stored[key]} {name}{'' if stored[key] == 1 else 's'}")
    return ", ".join(parts)


def _format_time(time: str | None, zone: str | None, session: OperatorSession) -> str:
    """Return a time in the restaurant's zone, and how long ago it was."""
    if time is None:
        return "none yet"
    at = datetime.fromisoformat(time)
    seconds = int((session.app_context.clock() - at).total_seconds())
    if seconds < _MINUTE_SECONDS:
        age = f"{max(seconds, 0)} s ago"
    elif seconds < _HOUR_SECONDS:
        age = f"{seconds // _MINUTE_SECONDS} min ago"
    elif seconds < _DAY_SECONDS:
        age = f"{seconds // _HOUR_SECONDS} h ago"
    else:
        age = f"{seconds // _DAY_SECONDS} days ago"
    local = at.astimezone(ZoneInfo(zone) if zone else UTC)
    return f"{local:%Y-%m-%d %H:%M:%S %Z}, {age}"
