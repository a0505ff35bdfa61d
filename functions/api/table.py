"""Every call of the staff API, and the room that holds it, imported when it is first asked for."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from functions.api.replies import ApiError
from functions.api.routing import PREFIX, Route, RouteMatch, build_not_found_error
from shared.domain.normalization.identifiers import is_document_id, is_restaurant_id

# Of two paths that one address matches, the earlier is meant.
ROOMS: Mapping[tuple[str, str], str] = {
    ("GET", "me"): "me",
    ("GET", "reservations"): "reservations",
    ("GET", "reservations/{id}"): "reservations",
    ("GET", "reservations/{id}/events"): "reservations",
    ("POST", "reservations/{id}/cancel"): "cancelling",
    ("GET", "integration"): "integration",
    ("PUT", "integration"): "changing",
    ("POST", "integration/test"): "integration",
    ("POST", "integration/backfill"): "backfilling",
    ("GET", "integration/backfill"): "backfilling",
    ("GET", "reports"): "reports",
    ("GET", "reports/latest"): "reports",
    ("GET", "reports/{id}"): "reports",
    ("POST", "reports/{id}/force"): "forcing",
    ("GET", "quarantine"): "quarantine",
    ("GET", "quarantine/{id}"): "quarantine",
    ("POST", "quarantine/{id}/replay"): "settling",
    ("POST", "quarantine/{id}/dismiss"): "settling",
    ("GET", "health"): "health",
    ("GET", "analytics"): "analytics",
}


def find_route(method: str, address: str) -> RouteMatch:
    """Return the route of a method and address.

    Args:
        method: The HTTP method.
        address: The URL's path, decoded.

    Raises:
        RefusalError: 404 for an address that is nobody's, 405 for a method that it lacks.
    """
    there = {call: named for call in ROOMS if (named := _named(call[1], address))}
    for call, (restaurant_id, id_) in there.items():
        if call[0] == method:
            return RouteMatch(_route(*call), restaurant_id, id_)
    if not there:
        raise build_not_found_error(
            "There is nothing at this address; see /api/openapi.json for what there is."
        )
    allowed = sorted({has for has, _ in there})
    text = f"Use {' or '.join(allowed)} at this address."
    raise ApiError(405, "METHOD_NOT_ALLOWED", text, {"Allow": ", ".join(allowed)})


def every_route() -> list[Route[Any, Any]]:
    """Return the route of every call; this imports every room."""
    return [_route(*call) for call in ROOMS]


@cache
def _route(method: str, path: str) -> Route[Any, Any]:
    room = import_module(f"functions.api.{ROOMS[method, path]}")
    held: tuple[Route[Any, Any], ...] = room.ROUTES
    return next(route for route in held if (route.method, route.path) == (method, path))


def _named(path: str, address: str) -> tuple[str, str] | None:
    """Return the restaurant's id and the other id in an address, None where it is another's."""
    pattern = re.escape(PREFIX + path)
    pattern = pattern.replace(r"\{restaurantId\}", "(?P<restaurant>[^/]+)")
    match = re.fullmatch(pattern.replace(r"\{id\}", "(?P<id>[^/]+)"), address)
    if match is None:
        return None
    named = match.groupdict()
    if not is_restaurant_id(named["restaurant"]) or not is_document_id(named.get("id", "none")):
        return None
    return named["restaurant"], named.get("id", "")
