"""A damaged setting stops only what needs it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.fault_injection import FailureKind
from shared.domain.normalization.opentable_guest import parse_phone_entry
from shared.firestore import paths
from shared.restaurants.settings import read_settings
from tests.support.world import START_TIME, World

ODD_VALUES: list[Any] = [5, "", True, [], [{"a": [1]}], {"a": 1}]


@pytest.mark.parametrize("value", ODD_VALUES)
async def test_a_damaged_country_fails_no_poll_and_keeps_numbers_as_they_came(
    world: World, capsys: pytest.CaptureFixture[str], value: Any
) -> None:
    await world.change_settings(country=value)
    assert (await world.poll())["status"] == "ok"
    settings = await read_settings(world.context.firestore, world.restaurant.id)
    assert settings is not None
    entry = {"number": "2125550123"}
    assert parse_phone_entry(entry, settings.country) == "2125550123"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [warning] = [line for line in lines if line["event"] == "settings.warning"]
    assert "country must be text" in warning["problem"]


@pytest.mark.parametrize(
    "cursor", [datetime.min.replace(tzinfo=UTC), START_TIME + timedelta(days=30)]
)
async def test_a_poll_after_a_damaged_cursor_misses_no_change(
    world: World, cursor: datetime
) -> None:
    await world.poll()
    world.actions.create(START_TIME + timedelta(days=1), 2)
    await world.integration_document.update({"poll.cursor": cursor})
    world.clock.advance(3600)
    assert (await world.poll())["created"] == 1


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
async def test_a_failed_poll_after_an_impossible_count_is_recorded(
    world: World, value: int
) -> None:
    await world.integration_document.update({"poll.consecutiveFailures": value})
    world.sandbox.faults.script_failure(FailureKind.STATUS, status=403, times=100)
    assert (await world.poll())["status"] == "error"
    assert (await world.read_settings_document())["poll"]["consecutiveFailures"] == 1


@pytest.mark.parametrize("value", [*ODD_VALUES, "another", "a/b/c", None])
async def test_a_damaged_rid_claim_finds_no_restaurant_and_fails_no_poll(
    world: World, value: Any
) -> None:
    world.actions.create(START_TIME, 2)
    claim = paths.rid_claim_document(world.context.firestore, world.restaurant.rid)
    await claim.set({"restaurantId": value})
    assert await world.context.directory.find_by_rid(world.restaurant.rid) is None
    assert (await world.poll())["status"] == "ok"
