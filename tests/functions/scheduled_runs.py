"""Run the scheduled functions in this process, and read their responses."""

from typing import Any

from msgspec.structs import replace

from functions.http import JsonResult
from functions.poll import ScheduledPollRequest, poll_restaurants
from functions.reconcile import ScheduledReconcileRequest, reconcile_restaurants
from shared.domain.validation import read_struct
from shared.tasks.queue import POLL_FUNCTION
from tests.support.world import World


async def run_function(world: World, function_name: str, tick: str = "", **body: Any) -> JsonResult:
    """Run a function of the queue with the fields of a body, by default for all restaurants."""
    if function_name == POLL_FUNCTION:
        poll_request = replace(read_struct(ScheduledPollRequest, body), tick=tick)
        return await poll_restaurants(world.context, poll_request)
    reconcile_request = replace(read_struct(ScheduledReconcileRequest, body), tick=tick)
    return await reconcile_restaurants(world.context, reconcile_request)


def list_entries(result: JsonResult) -> list[dict[str, Any]]:
    """Return the entries of the restaurants in a response."""
    entries: Any = result.body.get("results") or result.body.get("reports")
    return list(entries)


def list_statuses(result: JsonResult) -> list[str]:
    return [entry["status"] for entry in list_entries(result)]


def change_environment(world: World, **changes: object) -> World:
    """Return the world with other settings of the process."""
    environment = replace(world.context.environment, **changes)
    return replace(world, context=replace(world.context, environment=environment))
