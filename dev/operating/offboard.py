"""`offboard`: a restaurant's integration switched off, its data kept."""

import argparse

from dev.operating.console import Console
from dev.operating.desk import Desk
from dev.operating.endings import Ending
from shared.edge.staff.integration import release_rid


async def offboard(desk: Desk, console: Console, said: argparse.Namespace) -> Ending:
    """Switch a restaurant's integration off, and free its rid where that is wanted.

    The rid stays this restaurant's by default: its webhooks are still recognised (403, not 401),
    nobody else can claim it by mistake, and onboarding again goes on where this stopped.

    Raises:
        NotConfirmedError: When the operator does not want it.
        RefusalError: When it cannot be written.
    """
    before = await desk.get("integration")
    freed = " and its OpenTable number becomes free" if said.release_rid else ""
    console.confirm(
        f"Webhooks, polls and reconciliations of {desk.restaurant_id} will stop{freed}; "
        "its reservations, journal and reports stay."
    )
    if before["enabled"]:
        await desk.call("PUT", "integration", body={"enabled": False})
    console.done("Integration", "switched off" if before["enabled"] else "switched off already")
    if said.release_rid:
        await _release(desk, console)
    after = await desk.get("integration")
    _what_next(console, after["secret"])
    return Ending({"integration": after})


async def _release(desk: Desk, console: Console) -> None:
    services = desk.services
    rid = await release_rid(services.firestore, desk.restaurant_id, services.clock())
    console.done("Rid", f"{rid} is free" if rid else "none was held")


def _what_next(console: Console, secret: str | None) -> None:
    console.say("Kept: reservations, journal, guests, reports, quarantine; `export` copies them.")
    if secret:
        console.say(f"Kept: the secret {secret}. Delete it where it serves nothing any more.")
