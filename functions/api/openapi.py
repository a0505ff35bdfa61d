"""The OpenAPI 3.1 document of the staff API, made from the table that routes."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions.api.replies import ErrorResponse
from functions.api.routing import PREFIX, Route

_REFUSALS = {
    "400": "What is asked for cannot be understood.",
    "401": "Nobody is signed in.",
    "403": "This is not for whoever calls.",
    "404": "There is no such thing.",
    "409": "As things stand it cannot be done.",
    "503": "It cannot be done just now: try again.",
}
_OF_A_BODY = {"413": "The body is too large.", "415": "The body is not JSON."}
_REFERENCE = "#/components/schemas/{model}"
_ID = {"type": "string", "minLength": 1, "maxLength": 300}
_RESTAURANT_ID = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"}


def openapi(routes: Iterable[Route[Any, Any]]) -> dict[str, Any]:
    """Return the document.

    Args:
        routes: Every route of the API.
    """
    table = list(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lineup reservations: the staff's API", "version": "1"},
        "paths": paths,
        "security": [{"firebase": []}],
        "components": {
            "schemas": _schemas(table),
            "securitySchemes": {
                "firebase": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _schemas(routes: Iterable[Route[Any, Any]]) -> dict[str, Any]:
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
        (ErrorResponse, "serialization"): None
    }
    for route in routes:
        models[(route.answer, "serialization")] = None
        if route.takes_body:
            models[(route.body, "validation")] = None
    _, schemas = models_json_schema(list(models), by_alias=True, ref_template=_REFERENCE)
    return dict(schemas["$defs"])


def _operation(route: Route[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}.{route.handler.__name__}",
        "summary": route.summary,
        "description": f"For the role of {route.role.name.lower()}, or above.",
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.takes_body:
        operation["requestBody"] = _content("What is asked for.", route.body)
    return operation


def _responses(route: Route[Any, Any]) -> dict[str, Any]:
    answers = {"200": _content("The answer.", route.answer)}
    if route.header == "If-None-Match":
        answers["304"] = {"description": "As the caller has it already."}
    if route.file:
        answers["200"]["content"][route.file] = {"schema": {"type": "string"}}
    told = _REFUSALS | (_OF_A_BODY if route.takes_body else {})
    return answers | {status: _content(text, ErrorResponse) for status, text in told.items()}


def _content(description: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _parameters(route: Route[Any, Any]) -> list[dict[str, Any]]:
    in_path = {"restaurantId": _RESTAURANT_ID} | ({"id": _ID} if "{id}" in route.path else {})
    query = route.query.model_json_schema(by_alias=True).get("properties", {})
    header = {route.header: {"type": "string"}} if route.header else {}
    return [
        *({"name": n, "in": "header", "required": False, "schema": s} for n, s in header.items()),
        *({"name": n, "in": "path", "required": True, "schema": s} for n, s in in_path.items()),
        *({"name": n, "in": "query", "required": False, "schema": s} for n, s in query.items()),
    ]
