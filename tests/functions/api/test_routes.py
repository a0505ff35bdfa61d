"""The table and the rooms agree, and a call imports no room but its own."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest

import functions.api
from functions.api.replies import ApiError
from functions.api.routing import Route
from functions.api.table import ROOMS, every_route, find_route

ROOT = "/api/restaurants/r/"
PRODUCT = Path(functions.api.__file__).parents[2]


def routes_by_path() -> dict[tuple[str, str], tuple[str, Route[Any, Any]]]:
    """Return each call that some room has a route of, with the room."""
    names = [module.name for module in iter_modules(functions.api.__path__)]
    return {
        (route.method, route.path): (name, route)
        for name in names
        for route in getattr(import_module(f"functions.api.{name}"), "ROUTES", ())
    }


def test_each_route_is_defined_in_its_listed_module() -> None:
    assert {call: name for call, (name, _) in routes_by_path().items()} == ROOMS


def test_routes_are_listed_in_table_order() -> None:
    assert [(route.method, route.path) for route in every_route()] == [*ROOMS]


@pytest.mark.parametrize("call", ROOMS)
def test_each_route_is_found_by_its_path(call: tuple[str, str]) -> None:
    method, path = call
    found = find_route(method, ROOT + path.replace("{id}", "x"))
    assert found.route is routes_by_path()[call][1]
    assert (found.restaurant_id, found.id) == ("r", "x" if "{id}" in path else "")


@pytest.mark.parametrize("address", ["", "/api/restaurants/", ROOT, f"{ROOT}me/x", f"{ROOT}Me"])
def test_an_unknown_path_is_rejected(address: str) -> None:
    with pytest.raises(ApiError) as refused:
        find_route("GET", address)
    assert refused.value.status == 404


def test_an_unsupported_method_is_rejected_with_the_allowed_methods() -> None:
    with pytest.raises(ApiError) as refused:
        find_route("DELETE", f"{ROOT}integration")
    assert (refused.value.status, refused.value.headers) == (405, {"Allow": "GET, PUT"})


def test_a_call_imports_only_its_own_module() -> None:
    others = {f"functions.api.{room}" for room in ROOMS.values()} - {"functions.api.me"}
    command = (
        "import sys; from main import api; from functions.api.table import find_route; "
        f"find_route('GET', '{ROOT}me'); sys.exit(' '.join({others} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", command], cwd=PRODUCT, timeout=60, check=False)
    assert done.returncode == 0
