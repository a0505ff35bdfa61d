"""`replay`: list, preview, replay and dismiss quarantined events."""

import argparse
import json
from typing import Any

from cli.console import Console
from cli.desk import OperatorClient
from cli.endings import CommandResult
from functions.api.replies import ApiError

_MAX_LISTED_ITEMS = 200
_SHORT_ID_LENGTH = 12
_TIMESTAMP_LENGTH = 19


async def manage_quarantine(
    api: OperatorClient, console: Console, args: argparse.Namespace
) -> CommandResult:
    """List the quarantine, or do with one of its items what is asked.

    Raises:
        RefusalError: When there is no such item, or it cannot be done with it.
    """
    quarantine = await api.get("quarantine", limit=_MAX_LISTED_ITEMS)
    if args.item is None:
        return _print_items(console, quarantine)
    item_id = resolve_item_id(args.item, [item["id"] for item in quarantine["items"]])
    if args.dismiss is not None:
        body = {"reason": args.dismiss}
        response = await api.call("POST", f"quarantine/{item_id}/dismiss", body=body)
        console.print_step("Dismissed", item_id[:_SHORT_ID_LENGTH])
    elif args.show:
        response = await api.get(f"quarantine/{item_id}", unmask=args.unmask)
        _print_item(console, response)
    else:
        query = {"dryRun": args.dry_run}
        response = await api.call("POST", f"quarantine/{item_id}/replay", query=query)
        _print_replay(console, response)
    return CommandResult(response)


def resolve_item_id(prefix: str, ids: list[str]) -> str:
    """Return the one id that begins like this; what begins none is taken for a whole id.

    Raises:
        RefusalError: When several do.
    """
    matches = [id_ for id_ in ids if id_.startswith(prefix)]
    if len(matches) > 1:
        text = f"{len(matches)} items begin with {prefix}: write more of the id."
        raise ApiError(409, "AMBIGUOUS", text)
    return matches[0] if matches else prefix


def _print_items(console: Console, quarantine: dict[str, Any]) -> CommandResult:
    rows = [("id", "status", "since", "times", "why"), *map(_item_row, quarantine["items"])]
    if quarantine["items"]:
        console.print_table(rows)
        console.print_line("Next: `replay` with an id and --dry-run shows what it would change.")
    else:
        console.print_line("The quarantine is empty.")
    return CommandResult(quarantine, is_action_required=quarantine["openCount"] > 0)


def _item_row(item: dict[str, Any]) -> tuple[object, ...]:
    why = f"{item['reason']}: {item['detail']}"
    since = item["receivedAt"][:_TIMESTAMP_LENGTH]
    return (item["id"][:_SHORT_ID_LENGTH], item["status"], since, item["count"], why)


def _print_item(console: Console, item: dict[str, Any]) -> None:
    for name in ("id", "status", "reason", "detail", "receivedAt", "lastSeenAt", "count", "body"):
        console.print_step(name, str(item[name]))
    if item["masked"]:
        console.print_line(
            "Personal values are masked; --unmask shows them and notes in it who looked."
        )


def _print_replay(console: Console, response: dict[str, Any]) -> None:
    prefix = "would be " if response["dryRun"] else ""
    console.print_step("Replay", f"{response['reservationId']} {prefix}{response['outcome']}")
    for path, change in response["changes"].items():
        difference = f"{json.dumps(change['from'])} → {json.dumps(change['to'])}"
        console.print_line(f"  {path}: {difference}")
