"""The command `replay`: list, show, replay or dismiss quarantined events."""

import json
from typing import Any

import click

from cli.context import OperatorClient, restaurant_command
from cli.output import CommandError, CommandResult, Console

_MAX_LISTED_ITEMS = 200
_SHORT_ID_LENGTH = 12
_TIMESTAMP_LENGTH = len("2026-11-24T23:21:21")


@restaurant_command(
    "replay",
    example="replay restaurant-123 3fa9 --dry-run",
    exclusive=("dry_run", "dismiss", "show"),
)
@click.argument("item", required=False)
@click.option("--dry-run", is_flag=True, help="Show what a replay would change; write nothing.")
@click.option("--dismiss", metavar="REASON", help="Close the item without applying it.")
@click.option("--show", is_flag=True, help="Show the item, with personal data masked.")
@click.option("--unmask", is_flag=True, help="With --show: show personal data. This is recorded.")
async def manage_quarantine(
    api: OperatorClient,
    console: Console,
    *,
    item: str | None,
    dry_run: bool,
    dismiss: str | None,
    show: bool,
    unmask: bool,
) -> CommandResult:
    """Replay a quarantined event; without ITEM, list the quarantine.

    ITEM is the id of a quarantined event, or the start of it. A replay applies the event again
    after the reason was corrected.
    """
    quarantine = await api.get("quarantine", limit=_MAX_LISTED_ITEMS)
    if item is None:
        return _print_items(console, quarantine)
    item_id = _resolve_item_id(item, [listed["id"] for listed in quarantine["items"]])
    if dismiss is not None:
        response = await api.call("POST", f"quarantine/{item_id}/dismiss", body={"reason": dismiss})
        console.print_step("Dismissed", item_id[:_SHORT_ID_LENGTH])
    elif show:
        response = await api.get(f"quarantine/{item_id}", unmask=unmask)
        _print_item(console, response)
    else:
        response = await api.call("POST", f"quarantine/{item_id}/replay", query={"dryRun": dry_run})
        prefix = "would be " if response["dryRun"] else ""
        console.print_step("Replay", f"{response['reservationId']} {prefix}{response['outcome']}")
        for path, change in response["changes"].items():
            difference = f"{json.dumps(change['from'])} → {json.dumps(change['to'])}"
            console.print_line(f"  {path}: {difference}")
    return CommandResult(response)


def _print_items(console: Console, quarantine: dict[str, Any]) -> CommandResult:
    rows = [("id", "status", "since", "times", "reason")]
    for item in quarantine["items"]:
        since = item["receivedAt"][:_TIMESTAMP_LENGTH]
        reason = f"{item['reason']}: {item['detail']}"
        rows.append((item["id"][:_SHORT_ID_LENGTH], item["status"], since, item["count"], reason))
    if quarantine["items"]:
        console.print_table(rows)
        console.print_line("Next: `replay` with an id and --dry-run shows what it would change.")
    else:
        console.print_line("The quarantine is empty.")
    return CommandResult(quarantine, is_action_required=quarantine["openCount"] > 0)


def _resolve_item_id(prefix: str, ids: list[str]) -> str:
    """Return the id with this prefix; the prefix itself if no listed id has it."""
    matches = [item_id for item_id in ids if item_id.startswith(prefix)]
    if len(matches) > 1:
        raise CommandError(f"{len(matches)} items start with {prefix}: write more of the id.")
    # An item beyond the listed ones can still be named by its full id.
    return matches[0] if matches else prefix


def _print_item(console: Console, item: dict[str, Any]) -> None:
    for name in ("id", "status", "reason", "detail", "receivedAt", "lastSeenAt", "count", "body"):
        console.print_step(name, str(item[name]))
    if item["masked"]:
        console.print_line("Personal data is masked. --unmask shows it and records who looked.")
