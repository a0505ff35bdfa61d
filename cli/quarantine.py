"""The command `replay`: list, show, replay or dismiss quarantined events."""

import json
from typing import Any
from urllib.parse import quote

import click

from cli.context import OperatorClient, restaurant_command
from cli.output import CommandError, CommandResult, Console

_MAX_LISTED_ITEMS = 200
_SHORT_ID_LENGTH = 12
_TIMESTAMP_LENGTH = len("2026-11-24T23:21:21")
_SHOWN_FIELDS = ("id", "status", "reason", "detail", "receivedAt", "lastSeenAt", "count", "body")


@restaurant_command(
    "replay",
    example="replay restaurant-123 3fa9 --dry-run",
    exclusive=("dry_run", "dismiss", "show"),
)
@click.argument("item", required=False)
@click.option("--dry-run", is_flag=True, help="Show the changes of a replay; write nothing.")
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
    matches = [one["id"] for one in quarantine["items"] if one["id"].startswith(item)]
    if len(matches) > 1:
        raise CommandError(f"{len(matches)} items start with {item}: write more of the id.")
    # Only the newest items are listed; an older one is found by its full id.
    item_id = matches[0] if matches else item
    path = f"quarantine/{quote(item_id, safe='')}"
    if dismiss is not None:
        response = await api.call("POST", f"{path}/dismiss", body={"reason": dismiss})
        console.print_step("Dismissed", item_id[:_SHORT_ID_LENGTH])
    elif show:
        response = await api.get(path, unmask=unmask)
        for name in _SHOWN_FIELDS:
            console.print_step(name, str(response[name]))
        if response["masked"]:
            console.print_line("Personal data is masked. --unmask shows it and records your name.")
    else:
        response = await api.call("POST", f"{path}/replay", query={"dryRun": dry_run})
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
        console.print_line("Next: `replay` with an id and --dry-run shows its changes.")
    else:
        console.print_line("The quarantine is empty.")
    return CommandResult(quarantine, is_action_required=quarantine["openCount"] > 0)
