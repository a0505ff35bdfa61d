"""A request for one restaurant is answered 503 only if a retry can help."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
import stamina
from google.api_core import exceptions as google
from msgspec.structs import replace

from sandbox.fault_injection import FailureKind
from shared.concurrency import SYSTEM_CLOCK
from shared.errors import InvalidSettingsError
from shared.restaurants.directory import RestaurantDirectory
from shared.restaurants.secrets import CredentialCache
from shared.tasks.fan_out import should_repeat_run
from shared.tasks.queue import POLL_FUNCTION, RECONCILE_FUNCTION
from tests.functions.scheduled_runs import change_environment, list_entries, run_function
from tests.support.firestore import FirestoreSpy
from tests.support.world import World

Break = Callable[[World], Awaitable[None]]


async def remove_settings(world: World) -> None:
    await world.integration_document.delete()


async def break_time_zone(world: World) -> None:
    await world.change_settings(timeZone="Nowhere/Town")


async def remove_rid(world: World) -> None:
    await world.change_settings(restaurantId=None)


async def hide_secret(world: World) -> None:
    async def read_missing(secret_id: str, _min_version: str | None) -> str:
        raise InvalidSettingsError(f"The secret {secret_id!r} does not exist.")

    cache = CredentialCache(read_missing, SYSTEM_CLOCK.monotonic)
    firestore = world.context.firestore
    directory = RestaurantDirectory(firestore, cache, None, SYSTEM_CLOCK.monotonic)
    world.context = replace(world.context, directory=directory)


async def reject_credential(world: World) -> None:
    world.sandbox.faults.script_failure(FailureKind.STATUS, status=401, times=99)


async def revoke_rid(world: World) -> None:
    world.sandbox.revoke_restaurant(int(world.restaurant.rid))


async def interrupt_opentable(world: World) -> None:
    world.sandbox.faults.script_failure(FailureKind.STATUS, status=503, times=99)


async def interrupt_firestore(world: World) -> None:
    spy = FirestoreSpy(world.context.firestore)
    spy.failure = google.ServiceUnavailable
    world.context = replace(world.context, firestore=spy.client)


async def call_for_restaurant(
    world: World, function_name: str, **body: Any
) -> tuple[int, dict[str, Any]]:
    """Call a function for the restaurant; return the HTTP status and the restaurant's result."""
    with stamina.set_testing(True, attempts=2):
        result = await run_function(world, function_name, restaurantId=world.restaurant.id, **body)
    [entry] = list_entries(result)
    return result.status_code, entry


@pytest.mark.parametrize("function_name", [POLL_FUNCTION, RECONCILE_FUNCTION])
@pytest.mark.parametrize(
    "break_world",
    [remove_settings, break_time_zone, remove_rid, hide_secret, reject_credential, revoke_rid],
)
async def test_a_failure_that_needs_a_person_is_answered_200_with_its_error(
    world: World, break_world: Break, function_name: str
) -> None:
    await break_world(world)
    status_code, entry = await call_for_restaurant(world, function_name)
    assert (status_code, entry["retryable"]) == (200, False)
    assert entry["status"] in {"error", "FAILED"}
    assert entry["error"]


@pytest.mark.parametrize("function_name", [POLL_FUNCTION, RECONCILE_FUNCTION])
@pytest.mark.parametrize("break_world", [interrupt_opentable, interrupt_firestore])
async def test_a_failure_that_passes_is_answered_503(
    world: World, break_world: Break, function_name: str
) -> None:
    await break_world(world)
    status_code, entry = await call_for_restaurant(world, function_name)
    assert (status_code, entry["retryable"]) == (503, True)


async def test_a_forced_plan_without_settings_is_answered_200_with_its_error(world: World) -> None:
    await remove_settings(world)
    status_code, entry = await call_for_restaurant(world, RECONCILE_FUNCTION, force="held")
    assert (status_code, entry["status"], entry["retryable"]) == (200, "FAILED", False)


async def test_a_request_for_all_restaurants_is_repeated_if_all_failed(world: World) -> None:
    await revoke_rid(world)
    sequential = change_environment(world, max_concurrent_restaurants=1)
    assert (await run_function(sequential, POLL_FUNCTION)).status_code == 503


@pytest.mark.parametrize(
    "results,is_requested,expected",
    [
        ([], False, False),
        ([], True, False),
        ([{"status": "error"}, {"status": "ok"}], False, False),
        ([{"status": "error"}, {"status": "disabled"}], False, False),
        ([{"status": "error"}, {"status": "error", "retryable": False}], False, True),
        ([{"status": "FAILED"}], False, True),
        ([{"status": "error"}], True, True),
        ([{"status": "error", "retryable": True}], True, True),
        ([{"status": "FAILED", "retryable": False}], True, False),
        ([{"status": "error"}, {"status": "error", "retryable": False}], True, True),
        ([{"status": "error"}, {"status": "ok"}], True, False),
        ([{"status": "disabled"}], True, False),
        ([{"status": "SKIPPED"}], True, False),
        ([{"status": "HELD"}], True, False),
    ],
)
def test_a_run_is_repeated_after_failures_that_a_retry_can_cure(
    results: list[Mapping[str, Any]], is_requested: bool, expected: bool
) -> None:
    assert should_repeat_run(results, is_requested=is_requested) is expected
