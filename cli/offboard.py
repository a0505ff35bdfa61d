"""`offboard`: a restaurant's integration switched off, its data kept."""

import argparse

from cli.console import Console
from cli.desk import OperatorClient
from cli.endings import CommandResult
from shared.restaurants.settings import release_rid


async def offboard(
    api: OperatorClient, console: Console, args: argparse.Namespace
) -> CommandResult:
    """Switch a restaurant's integration off, and free its rid where that is wanted.

    The rid stays this restaurant's by default: its webhooks are still recognised (403, not 401),
    nobody else can claim it by mistake, and onboarding again goes on where this stopped.

    Raises:
        NotConfirmedError: When the operator does not want it.
        RefusalError: When it cannot be written.
    """
    before = await api.get("integration")
    rid_note = " and its OpenTable number becomes free" if args.release_rid else ""
    console.confirm(
        f"Webhooks, polls and reconciliations of {api.restaurant_id} will stop{rid_note}; "
        "its reservations, journal and reports stay."
    )
    if before["enabled"]:
        await api.call("PUT", "integration", body={"enabled": False})
    console.print_step(
        "Integration", "switched off" if before["enabled"] else "switched off already"
    )
    if args.release_rid:
        await _release_rid(api, console)
    after = await api.get("integration")
    _print_next_steps(console, after["secret"])
    return CommandResult({"integration": after})


async def _release_rid(api: OperatorClient, console: Console) -> None:
    services = api.app_context
    rid = await release_rid(services.firestore, api.restaurant_id, services.clock())
    console.print_step("Rid", f"{rid} is free" if rid else "none was held")


def _print_next_steps(console: Console, secret: str | None) -> None:
    console.print_line(
        "Kept: reservations, journal, guests, reports, quarantine; `export` copies them."
    )
    if secret:
        console.print_line(
            f"Kept: the secret {secret}. Delete it where it serves nothing any more."
        )
