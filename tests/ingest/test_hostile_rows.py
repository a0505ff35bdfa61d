"""No hostile row stops a run: the other rows are applied and the cursor advances."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.channels.channels import use_single_row_opentable
from tests.support.events import row_body
from tests.support.hostile_values import HOSTILE_VALUES
from tests.support.opentable import ScriptedResponse
from tests.support.world import World

GUEST = {"id": "1-g1", "sequence_id": 1, "updated_at_utc": "2026-03-09T12:00:00Z"}
GUEST_FIELDS = (*GUEST, "rid", "first_name", "email", "phone", "phone_numbers", "tags", "notes")
DEEP = "nested as deeply as the test says"
FEW = 2
MERGED = (*GUEST, "primary_guest")


def hostile_row(world: World, key: str, **fields: Any) -> dict[str, Any]:
    rid = int(world.restaurant.rid)
    return row_body(7, **{"id": f"{rid}-{key}", "rid": rid, **fields})


async def polls(world: World, reservations: list[Any], guests: list[Any], depth: int = 0) -> None:
    """Poll these rows before a valid one, and check that it is applied and the cursor advances."""
    good = hostile_row(world, "good")
    listed = {"reservations": [*reservations, good], "guests": guests}
    nested = "[" * depth + "]" * depth

    def respond() -> ScriptedResponse:
        _, _, _, kind, *one = urlsplit(counter.adapter.requests[-1].url or "").path.split("/")
        if one:
            return ScriptedResponse(status=404)
        page = {"hasNextPage": False, "offset": 0, "limit": 1_000, "items": listed[kind]}
        return ScriptedResponse(json.dumps(page).replace(f'"{DEEP}"', nested).encode())

    with use_single_row_opentable(world) as counter:
        counter.adapter.steps[:] = [respond]
        polled = await world.poll()
        assert (polled["status"], polled.get("error")) == ("ok", None)
        assert "good" in await world.ledger_documents()
        if len(reservations) <= FEW:  # a second read of more rows would show nothing new
            assert (await world.reconcile())["status"] == "COMPLETED"


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE_VALUES)
async def test_a_hostile_value_in_any_field_of_a_row(name: str, world: World) -> None:
    rows = [
        hostile_row(world, f"r{number}") | {field: HOSTILE_VALUES[name]}
        for number, field in enumerate(
            (*row_body(1), "guest_id", "confirmation_id", "table_number")
        )
    ]
    await polls(world, [*rows, HOSTILE_VALUES[name]], [])


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE_VALUES)
async def test_a_hostile_value_in_any_field_of_a_guest(name: str, world: World) -> None:
    named = [hostile_row(world, f"r{n}", guest_id=f"g{n}") for n in range(len(GUEST_FIELDS))]
    value = HOSTILE_VALUES[name]
    guests = [GUEST | {"id": f"g{n}", field: value} for n, field in enumerate(GUEST_FIELDS)]
    merged = [
        GUEST | {"id": f"m{n}", "archived": True, field: value} for n, field in enumerate(MERGED)
    ]
    await polls(world, named, [*guests, *merged, value])


@pytest.mark.parametrize("id_", [".", "..", "__x__", "a" * 200])
async def test_a_guest_whose_id_can_be_no_document(id_: str, world: World) -> None:
    merged = GUEST | {"id": "g1", "archived": True, "primary_guest": id_}
    named = [hostile_row(world, "r1", guest_id="g1"), hostile_row(world, "r2", guest_id=id_)]
    await polls(world, named, [GUEST | {"id": id_}, merged])


async def test_a_row_too_large_for_firestore(world: World) -> None:
    vast = {"vast": "x" * 1_200_000}
    await polls(world, [hostile_row(world, "r1") | vast, vast], [GUEST | {"notes": vast}, vast])


# With deeper nesting Python's JSON parser fails, and the page counts as unreadable.
@pytest.mark.parametrize("depth", [70, 500, 940])
async def test_a_row_nested_deeply(depth: int, world: World) -> None:
    deep = {"deep": DEEP}
    await polls(world, [hostile_row(world, "r1", **deep), deep], [GUEST | deep, deep], depth)
