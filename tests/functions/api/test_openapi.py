"""The OpenAPI document is consistent, complete, and served to anybody."""

from collections import Counter

import pytest

from functions.api.app import OPENAPI_PATH, build_app
from functions.api.auth import ApiContext
from tests.support.staff_api import OPENAPI_DOCUMENT, OPERATIONS, StaffApiClient


async def test_the_document_is_served_without_a_token(anonymous_client: StaffApiClient) -> None:
    response = await anonymous_client.get(OPENAPI_PATH)
    assert (response.status_code, response.json()) == (200, OPENAPI_DOCUMENT)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"older", {}'])
async def test_an_unchanged_document_is_not_sent_again(
    form: str, anonymous_client: StaffApiClient
) -> None:
    first = await anonymous_client.get(OPENAPI_PATH)
    tag = {"If-None-Match": form.format(first.headers["etag"])}
    second = await anonymous_client.get(OPENAPI_PATH, headers=tag)
    assert first.headers["cache-control"] == "public, max-age=3600"
    assert (second.status_code, second.content) == (304, b"")


def test_the_document_is_built_once(api_context: ApiContext) -> None:
    app = build_app(api_context)
    assert app.openapi() is app.openapi()


def collect_references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(collect_references, value.values()))
    return set().union(*map(collect_references, value)) if isinstance(value, list) else set()


def test_the_schemas_are_those_that_are_referenced() -> None:
    references = collect_references(OPENAPI_DOCUMENT)
    names = {reference.removeprefix("#/components/schemas/") for reference in references}
    assert set(OPENAPI_DOCUMENT["components"]["schemas"]) == names


def test_every_operation_has_a_unique_id() -> None:
    ids = Counter(operation.document["operationId"] for operation in OPERATIONS)
    assert set(ids.values()) == {1}


def list_parameters(location: str) -> dict[str, set[str]]:
    """Return the parameters of each call in a location, by call; without calls that have none."""
    names_by_call = {
        str(operation): {
            item["name"]
            for item in operation.document.get("parameters", [])
            if item["in"] == location
        }
        for operation in OPERATIONS
    }
    return {call: names for call, names in names_by_call.items() if names}


def test_every_query_parameter_is_documented() -> None:
    assert list_parameters("query") == {
        "GET /api/restaurants": {"limit", "cursor", "include"},
        "GET staff": {"changes"},
        "GET integration/webhooks": {"limit"},
        "GET reservations": {"date"},
        "GET reservations/{reservation_id}/events": {"limit", "cursor"},
        "GET reports": {"limit"},
        "GET reports/{report_id}/items": {"list", "limit", "offset"},
        "GET quarantine": {"limit"},
        "GET quarantine/{item_id}": {"unmask"},
        "POST quarantine/{item_id}/replay": {"dryRun", "unmask"},
        "POST quarantine/replay": {"dryRun"},
        "POST quarantine/dismiss": {"dryRun"},
        "GET analytics": {"from", "to", "format"},
    }


def test_the_headers_that_a_call_reads_are_documented() -> None:
    assert list_parameters("header") == {
        "GET reservations": {"if-none-match"},
        "POST reservations/{reservation_id}/cancel": {"idempotency-key"},
        "PUT integration": {"if-match"},
    }
