"""The table and the rooms agree, and a call imports no room but its own."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

import functions.staff
from functions.staff.replies import ApiError
from functions.staff.routing import Route
from functions.staff.table import ROOMS, every_route, find_route

ROOT = "/api/restaurants/r/"
PRODUCT = Path(functions.staff.__file__).parents[2]


def held() -> dict[tuple[str, str], tuple[str, Route[Any, Any]]]:
    """Return each call that some room has a route of, with the room."""
    names = [module.name for module in iter_modules(functions.staff.__path__)]
    return {
        (route.method, route.path): (name, route)
        for name in names
        for route in getattr(import_module(f"functions.staff.{name}"), "ROUTES", ())
    }


def test_each_call_is_in_the_room_that_the_table_names() -> None:
    assert {call: name for call, (name, _) in held().items()} == ROOMS


def test_each_route_is_told_in_the_tables_order() -> None:
    assert [(route.method, route.path) for route in every_route()] == [*ROOMS]


@pytest.mark.parametrize("call", ROOMS)
def test_each_call_is_found_at_its_address(call: tuple[str, str]) -> None:
    method, path = call
    found = find_route(method, ROOT + path.replace("{id}", "x"))
    assert found.route is held()[call][1]
    assert (found.restaurant_id, found.id) == ("r", "x" if "{id}" in path else "")


@pytest.mark.parametrize("address", ["", "/api/restaurants/", ROOT, f"{ROOT}me/x", f"{ROOT}Me"])
def test_an_address_of_nobodys_is_refused(address: str) -> None:
    with pytest.raises(ApiError) as refused:
        find_route("GET", address)
    assert refused.value.status == 404


def test_a_method_that_an_address_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(ApiError) as refused:
        find_route("DELETE", f"{ROOT}integration")
    assert (refused.value.status, refused.value.headers) == (405, {"Allow": "GET, PUT"})


def test_a_call_imports_no_room_but_its_own() -> None:
    others = {f"functions.staff.{room}" for room in ROOMS.values()} - {"functions.staff.me"}
    command = (
        "import sys; from main import api; from functions.staff.table import find_route; "
        f"find_route('GET', '{ROOT}me'); sys.exit(' '.join({others} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", command], cwd=PRODUCT, timeout=60, check=False)
    assert done.returncode == 0
