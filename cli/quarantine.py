"""The commands `quarantine …`: list, show, replay or dismiss quarantined events."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from cli.api import OperatorClient
from cli.command import restaurant_command
from cli.help import LedgerGroup
from cli.output import CommandError, CommandResult, Console

_MAX_LISTED_ITEMS = 200
_SHORT_ID_LENGTH = 12
_BULK_COUNTS = ("processed", "rejected", "dismissed")
_TIMESTAMP_LENGTH = len("2026-11-24T23:21:21")
_SHOWN_FIELDS = ("id", "status", "reason", "detail", "receivedAt", "lastSeenAt", "count", "body")

_ITEM_HELP = "Id of a quarantined event, or the start of it."
_item_argument = click.argument("item", help=_ITEM_HELP)
_optional_item_argument = click.argument("item", required=False, help=_ITEM_HELP)
_reason_option = click.option(
    "--reason", metavar="CODE", help="All open items with this reason, instead of ITEM."
)


@restaurant_command("list", examples=["ledger quarantine list restaurant-123"])
async def list_items(api: OperatorClient, console: Console) -> CommandResult:
    """List the newest quarantined events, open ones first.

    Exit code 4 means that some are open.
    """
    quarantined = await api.get("quarantine", limit=_MAX_LISTED_ITEMS)
    rows = [("id", "status", "since", "times", "reason")]
    for item in quarantined["items"]:
        since = item["receivedAt"][:_TIMESTAMP_LENGTH]
        reason = f"{item['reason']}: {item['detail']}"
        rows.append((item["id"][:_SHORT_ID_LENGTH], item["status"], since, item["count"], reason))
    if quarantined["items"]:
        console.print_table(rows)
        name = api.restaurant_id
        console.print_line(f"Next: `ledger quarantine preview {name} ID` shows a replay's changes.")
    else:
        console.print_line("The quarantine is empty.")
    return CommandResult(quarantined, is_action_required=quarantined["openCount"] > 0)


@restaurant_command(
    "show",
    examples=[
        "ledger quarantine show restaurant-123 3fa9",
        "ledger quarantine show restaurant-123 3fa9 --unmask",
    ],
)
@_item_argument
@click.option("--unmask", is_flag=True, help="Show personal data. Your name is recorded.")
async def show_item(
    api: OperatorClient, console: Console, *, item: str, unmask: bool
) -> CommandResult:
    """Show a quarantined event, with personal data masked."""
    response = await api.get(await _find_path(api, item), unmask=unmask)
    for name in _SHOWN_FIELDS:
        console.print_step(name, str(response[name]))
    if response["masked"]:
        console.print_line("Personal data is masked. --unmask shows it and records your name.")
    return CommandResult(response)


@restaurant_command("preview", examples=["ledger quarantine preview restaurant-123 3fa9"])
@_item_argument
async def preview_item(api: OperatorClient, console: Console, *, item: str) -> CommandResult:
    """Show what a replay of an event would change; write nothing."""
    path = await _find_path(api, item)
    response = await api.call("POST", f"{path}/replay", query={"dryRun": True})
    _print_replay(console, response)
    return CommandResult(response)


@restaurant_command(
    "replay",
    examples=[
        "ledger quarantine replay restaurant-123 3fa9",
        "ledger quarantine replay restaurant-123 --reason unusable_settings",
    ],
    requires_one_of=("item", "reason"),
)
@_optional_item_argument
@_reason_option
async def replay_items(
    api: OperatorClient, console: Console, *, item: str | None, reason: str | None
) -> CommandResult:
    """Apply a quarantined event again, after its reason was corrected.

    A replay passes the same code as a webhook and keeps the original time of receipt. With --reason
    all open items of one reason are replayed; items that still cannot be applied stay
    open.
    """
    if item is not None:
        path = await _find_path(api, item)
        response = await api.call("POST", f"{path}/replay", query={"dryRun": False})
        _print_replay(console, response)
        return CommandResult(response)

    body = {"reason": str(reason)}
    preview = await _run_bulk(api, "replay", body, is_dry_run=True)
    console.confirm(
        f"{preview['matching']} events with the reason {reason} will be replayed: "
        f"{_format_outcomes(preview)}."
    )
    result = await _run_bulk(api, "replay", body, is_dry_run=False)
    console.print_step("Replayed", _format_outcomes(result))
    return CommandResult(result, is_action_required=result["rejected"] > 0)


@restaurant_command(
    "dismiss",
    examples=[
        'ledger quarantine dismiss restaurant-123 3fa9 --because "a test of the relay"',
        'ledger quarantine dismiss restaurant-123 --reason unknown_event --because "not ours"',
    ],
    requires_one_of=("item", "reason"),
)
@_optional_item_argument
@_reason_option
@click.option("--because", required=True, metavar="TEXT", help="Why; stored with your name.")
async def dismiss_items(
    api: OperatorClient, console: Console, *, item: str | None, reason: str | None, because: str
) -> CommandResult:
    """Close a quarantined event without applying it."""
    if item is not None:
        path = await _find_path(api, item)
        response = await api.call("POST", f"{path}/dismiss", body={"reason": because})
        console.print_step("Dismissed", response["id"][:_SHORT_ID_LENGTH])
        return CommandResult(response)

    body = {"reason": str(reason), "dismissReason": because}
    preview = await _run_bulk(api, "dismiss", body, is_dry_run=True)
    console.confirm(f"{preview['matching']} events with the reason {reason} will be dismissed.")
    result = await _run_bulk(api, "dismiss", body, is_dry_run=False)
    console.print_step("Dismissed", f"{result['dismissed']} events")
    return CommandResult(result)


async def _run_bulk(
    api: OperatorClient, action: str, body: dict[str, str], *, is_dry_run: bool
) -> dict[str, Any]:
    """Process all open events with a reason, portion by portion; return the total counts."""
    matching: int | None = None
    counts: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    cursor: str | None = None
    while matching is None or cursor is not None:
        part = await api.call(
            "POST",
            f"quarantine/{action}",
            query={"dryRun": is_dry_run},
            body=body if cursor is None else body | {"cursor": cursor},
        )
        # Each call counts what is still open: the first count is the total.
        matching = part["matching"] if matching is None else matching
        outcomes.update(part.get("outcomes", {}))
        counts.update({name: part[name] for name in _BULK_COUNTS if name in part})
        cursor = part["next"]
    if not matching:
        raise CommandError(
            f"No open event has the reason {body['reason']}: "
            f"`ledger quarantine list {api.restaurant_id}` shows the reasons."
        )
    return {"dryRun": is_dry_run, "matching": matching, "outcomes": dict(outcomes), **counts}


def _format_outcomes(result: Mapping[str, Any]) -> str:
    parts = [f"{count} {outcome}" for outcome, count in result["outcomes"].items()]
    if result["rejected"]:
        parts.append(f"{result['rejected']} still cannot be applied and stay open")
    return ", ".join(parts)


async def _find_path(api: OperatorClient, item: str) -> str:
    """Return the API path of the only item whose id starts with the given text."""
    if not item:
        raise CommandError("Name an item by the first characters of its id.")
    quarantined = await api.get("quarantine", limit=_MAX_LISTED_ITEMS)
    matches = [one["id"] for one in quarantined["items"] if one["id"].startswith(item)]
    if len(matches) > 1:
        raise CommandError(f"{len(matches)} items start with {item}: write more of the id.")
    # Only the newest items are listed; an older one is found by its full id.
    return f"quarantine/{quote(matches[0] if matches else item, safe='')}"


def _print_replay(console: Console, response: dict[str, Any]) -> None:
    prefix = "would be " if response["dryRun"] else ""
    console.print_step("Replay", f"{response['reservationId']} {prefix}{response['outcome']}")
    for path, change in response["changes"].items():
        if change["from"] != change["to"]:
            difference = f"{json.dumps(change['from'])} → {json.dumps(change['to'])}"
            console.print_line(f"  {path}: {difference}")


quarantine = LedgerGroup(
    "quarantine",
    help="Review events that could not be applied. docs/codes.md lists the reasons.",
    commands=[list_items, show_item, preview_item, replay_items, dismiss_items],
    examples=[
        "ledger quarantine list restaurant-123",
        "ledger quarantine preview restaurant-123 3fa9",
    ],
)
