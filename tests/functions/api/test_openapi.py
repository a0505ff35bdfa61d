"""The document says what the API does."""

from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import BaseModel

from functions.api.openapi import openapi
from functions.api.routing import PREFIX
from functions.api.table import every_route
from tests.support.staff_api import StaffApiClient

ROUTES = every_route()


@pytest.fixture
async def document(anonymous_client: StaffApiClient) -> Any:
    async with httpx.AsyncClient(
        transport=anonymous_client.transport, base_url="http://staff"
    ) as client:
        reply = await client.get("/api/openapi.json")
    assert reply.status_code == 200
    return reply.json()


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_the_document_has_every_route_and_no_other(document: Any) -> None:
    documented = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    assert documented == {(route.method, PREFIX + route.path) for route in ROUTES}


def test_every_reference_leads_somewhere(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert {name.removeprefix("#/components/schemas/") for name in references(document)} <= set(
        schemas
    )


def test_every_schema_is_used(document: Any) -> None:
    used = {name.removeprefix("#/components/schemas/") for name in references(document)}
    assert set(document["components"]["schemas"]) == used


def test_every_operation_has_an_id_of_its_own(document: Any) -> None:
    ids = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    assert len(ids) == len(set(ids)) == len(ROUTES)


def test_every_parameter_of_a_query_is_documented(document: Any) -> None:
    for route in ROUTES:
        operation = document["paths"][PREFIX + route.path][route.method.lower()]
        documented = {item["name"] for item in operation["parameters"] if item["in"] == "query"}
        assert documented == {field.alias for field in route.query.model_fields.values()}


def test_no_two_models_share_a_name() -> None:
    models = {route.answer for route in ROUTES} | {
        route.body for route in ROUTES if route.takes_body
    }
    assert len({model.__name__ for model in models}) == len(models)


def test_a_route_that_is_added_is_documented() -> None:
    class Extra(BaseModel):
        """An answer of its own."""

    added = replace(ROUTES[0], path="extra", answer=Extra)
    document = openapi([*ROUTES, added])
    assert "Extra" in document["components"]["schemas"]
    assert f"{PREFIX}extra" in document["paths"]
