"""`replay`: the quarantine worked through: listed, looked at, rehearsed, replayed, dismissed."""

import argparse
import json
from typing import Any

from dev.operating.console import Console
from dev.operating.desk import Desk
from dev.operating.endings import Ending
from functions.staff.replies import RefusalError

_MOST_LISTED = 200
_SHORT_ID = 12
_TIMES = 19


async def replay(desk: Desk, console: Console, said: argparse.Namespace) -> Ending:
    """List the quarantine, or do with one of its items what is asked.

    Raises:
        RefusalError: When there is no such item, or it cannot be done with it.
    """
    listed = await desk.get("quarantine", limit=_MOST_LISTED)
    if said.item is None:
        return _list(console, listed)
    item_id = whole_id(said.item, [item["id"] for item in listed["items"]])
    if said.dismiss is not None:
        body = {"reason": said.dismiss}
        told = await desk.call("POST", f"quarantine/{item_id}/dismiss", body=body)
        console.done("Dismissed", item_id[:_SHORT_ID])
    elif said.show:
        told = await desk.get(f"quarantine/{item_id}", unmask=said.unmask)
        _show(console, told)
    else:
        query = {"dryRun": said.dry_run}
        told = await desk.call("POST", f"quarantine/{item_id}/replay", query=query)
        _tell(console, told)
    return Ending(told)


def whole_id(beginning: str, ids: list[str]) -> str:
    """Return the one id that begins like this; what begins none is taken for a whole id.

    Raises:
        RefusalError: When several do.
    """
    found = [id_ for id_ in ids if id_.startswith(beginning)]
    if len(found) > 1:
        text = f"{len(found)} items begin with {beginning}: write more of the id."
        raise RefusalError(409, "AMBIGUOUS", text)
    return found[0] if found else beginning


def _list(console: Console, listed: dict[str, Any]) -> Ending:
    rows = [("id", "status", "since", "times", "why"), *map(_row, listed["items"])]
    if listed["items"]:
        console.table(rows)
        console.say("Next: `replay` with an id and --dry-run shows what it would change.")
    else:
        console.say("The quarantine is empty.")
    return Ending(listed, wants_a_person=listed["openCount"] > 0)


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    why = f"{item['reason']}: {item['detail']}"
    since = item["receivedAt"][:_TIMES]
    return (item["id"][:_SHORT_ID], item["status"], since, item["count"], why)


def _show(console: Console, item: dict[str, Any]) -> None:
    for name in ("id", "status", "reason", "detail", "receivedAt", "lastSeenAt", "count", "body"):
        console.done(name, str(item[name]))
    if item["masked"]:
        console.say("Personal values are masked; --unmask shows them and notes in it who looked.")


def _tell(console: Console, told: dict[str, Any]) -> None:
    would = "would be " if told["dryRun"] else ""
    console.done("Replay", f"{told['reservationId']} {would}{told['outcome']}")
    for path, change in told["changes"].items():
        moved = f"{json.dumps(change['from'])} → {json.dumps(change['to'])}"
        console.say(f"  {path}: {moved}")
