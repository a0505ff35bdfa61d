"""`onboard`: from nothing to a restaurant whose ledger is level with its book.

Each step looks at what is there and changes only what is not as wanted, so that running the
command again after an interruption goes on where it stopped.
"""

import argparse
from typing import Any

from dev.operating.backfill import backfill
from dev.operating.console import Console
from dev.operating.credentials import (
    KEYS,
    Entered,
    ask_for_api,
    ask_for_proof,
    hand_over,
    made,
    read_credentials,
)
from dev.operating.desk import Desk
from dev.operating.endings import Ending
from dev.operating.reconcile import run_and_tell
from shared.core.settings import Scheme
from shared.edge.reconciling import Wanted
from shared.errors import InvalidSettingsError

_DEFAULT_SCHEME = Scheme.BEARER
NO_SCHEME = "none"


async def onboard(desk: Desk, console: Console, said: argparse.Namespace) -> Ending:
    """Connect a restaurant.

    Raises:
        InvalidSettingsError: When something must be mended first; what was done stays done.
        NotConfirmedError: When the operator does not want to free a rid.
        RefusalError: When the settings cannot be written as they are wanted.
        TryAgainError: When it cannot be ended just now.
    """
    before = await desk.get("integration")
    _confirm_new_rid(console, before, said.rid)
    schemes = _schemes(before, said.webhook_auth)
    entered = _entered(console, before, schemes, said)
    settings = await _write(desk, console, before, _wanted(said, schemes), entered)
    await _test(desk, console)
    settings = await _enable(desk, console, settings)
    filled = await backfill(desk, console)
    console.done("Backfill", f"{filled['startDate']} to {filled['endDate']}: {_rows(filled)}")
    compared = await run_and_tell(desk, console, Wanted())
    _what_next(console, schemes)
    told = {"integration": settings, "backfill": dict(filled), "report": compared.told}
    return Ending(told, wants_a_person=compared.wants_a_person)


def _confirm_new_rid(console: Console, before: dict[str, Any], rid: str) -> None:
    if before["restaurantId"] not in {None, rid}:
        console.confirm(
            f"This restaurant holds the OpenTable number {before['restaurantId']}; with {rid} "
            "that one becomes free, and its reservations stay in the ledger, where the next "
            "reconciliation finds them missing at OpenTable."
        )


def _schemes(before: dict[str, Any], wanted: list[str] | None) -> list[Scheme]:
    if wanted is None:
        return [Scheme(name) for name in before["webhookAuth"]] or [_DEFAULT_SCHEME]
    return sorted(Scheme(name) for name in wanted if name != NO_SCHEME)


def _entered(
    console: Console, before: dict[str, Any], schemes: list[Scheme], said: argparse.Namespace
) -> Entered:
    """Return the credentials to store: given, asked for, or made where a scheme lacks one."""
    given = read_credentials(said.credentials_file) if said.credentials_file else {}
    held = before["credentials"] or {"api": False}
    asks = console.is_terminal and not said.credentials_file
    if asks and not held["api"]:
        given |= ask_for_api(console)
    lacking = [one for one in schemes if KEYS[one] not in given and not held.get(KEYS[one])]
    typed = {KEYS[one]: ask_for_proof(console, one) for one in lacking} if asks else {}
    given |= {key: [text] for key, text in typed.items() if text}
    new = made(one for one in lacking if KEYS[one] not in given)
    if new:
        hand_over(console, new, said.save_to)
    return given | new


def _wanted(said: argparse.Namespace, schemes: list[Scheme]) -> dict[str, Any]:
    wanted = {
        "restaurantId": said.rid,
        "timeZone": said.time_zone,
        "country": said.country,
        "webhookAuth": [scheme.value for scheme in schemes],
    }
    return {name: value for name, value in wanted.items() if value is not None}


async def _write(
    desk: Desk, console: Console, before: dict[str, Any], wanted: dict[str, Any], entered: Entered
) -> dict[str, Any]:
    """Write the settings that differ and the credentials; an unused integration stays off."""
    differing: dict[str, Any] = {n: v for n, v in wanted.items() if before[n] != v}
    if not differing and not entered:
        console.done("Settings", "as wanted already")
        return before
    body = differing | ({"credentials": entered} if entered else {})
    after = await desk.call("PUT", "integration", body=body)
    if differing:
        console.done("Settings", f"written: {', '.join(differing)}")
    if entered:
        console.done("Secret", f"stored in {after['secret']}: {', '.join(sorted(entered))}")
    return after


async def _test(desk: Desk, console: Console) -> None:
    trial = await desk.call("POST", "integration/test")
    if not trial["works"]:
        raise InvalidSettingsError(
            f"OpenTable cannot be asked. {trial['problem']} "
            "What was written is kept; mend this and run the command again."
        )
    console.done("Connection", "OpenTable answers with this restaurant's rows")


async def _enable(desk: Desk, console: Console, settings: dict[str, Any]) -> dict[str, Any]:
    if settings["enabled"]:
        console.done("Integration", "switched on already")
        return settings
    settings = await desk.call("PUT", "integration", body={"enabled": True})
    console.done("Integration", "switched on: webhooks are taken, the next poll includes it")
    return settings


def _rows(filled: Any) -> str:
    counts = ("created", "updated", "unchanged", "stale", "quarantined")
    told = [f"{filled[name]} {name}" for name in counts if filled[name]]
    return f"{filled['fetched']} rows" + (f" ({', '.join(told)})" if told else "")


def _what_next(console: Console, schemes: list[Scheme]) -> None:
    if schemes:
        console.say(
            "Next: have OpenTable (or the relay) post to the address of opentable-webhook with "
            "its credential; `status` then tells when the first webhook was heard."
        )
    else:
        console.say("Next: nothing. No webhook is accepted; the polls keep the ledger level.")
