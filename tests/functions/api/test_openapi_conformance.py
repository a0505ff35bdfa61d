"""Every response is documented, for generated valid and invalid requests."""

import os
import re
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis import openapi as schemathesis_openapi
from schemathesis.specs.openapi import checks as openapi_checks

from shared.restaurants.directory import RestaurantDirectory
from tests.support.staff_api import OPENAPI_DOCUMENT, OPERATIONS, StaffApiClient
from tests.support.world import World

# Without the security requirements, which schemathesis would break too: test_app covers the calls
# without a token.
SCHEMA: Any = schemathesis_openapi.from_dict(
    OPENAPI_DOCUMENT
    | {
        "paths": {
            path: {
                method: {key: value for key, value in operation.items() if key != "security"}
                for method, operation in operations.items()
            }
            for path, operations in OPENAPI_DOCUMENT["paths"].items()
        }
    }
)
DESCRIBED_OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.negative_data_rejection,
]
EXAMPLES = 500 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 12
METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


@pytest.fixture
def patient_operator(operator: StaffApiClient) -> StaffApiClient:
    """An operator whose generated restaurant ids never use up the budget of look-ups per minute.

    For the directory, a second passes with every look at the clock.
    """
    app_context, timer = operator.api_context.app_context, partial(next, count(0.0, 1.0))
    directory = RestaurantDirectory(
        app_context.firestore, app_context.directory._credential_cache, None, timer
    )
    return operator.with_app_context(directory=directory)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", DESCRIBED_OPERATIONS, ids=lambda operation: operation.label)
@settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],  # a failing call is readable without shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_every_response_is_documented(
    data: Any, operation: Any, mode: GenerationMode, patient_operator: StaffApiClient, world: World
) -> None:
    case = data.draw(operation.as_strategy(mode))
    if mode.is_positive and "restaurant_id" in case.path_parameters and data.draw(st.booleans()):
        case.path_parameters["restaurant_id"] = world.restaurant.id
    case.validate_response(await send(case, patient_operator), checks=CHECKS)


async def send(case: Any, operator: StaffApiClient) -> httpx.Response:
    """Send a generated request unchanged, with the operator's token."""
    request = case.as_transport_kwargs(base_url="http://staff")
    headers = dict(request.pop("headers")) | {"Authorization": f"Bearer {operator.token}"}
    cookies, request["content"] = request.pop("cookies"), request.pop("data", None)
    async with httpx.AsyncClient(transport=operator.transport, cookies=cookies) as client:
        return await client.request(headers=headers, **request)


@pytest.mark.parametrize("path", sorted({operation.path for operation in OPERATIONS}))
async def test_an_unsupported_method_gets_405_on_every_path(
    path: str, operator: StaffApiClient
) -> None:
    # GET quarantine/replay is an address too: of an item with this id.
    allowed = {
        operation.method
        for operation in OPERATIONS
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation.template), path)
    }
    for method in METHODS - allowed:
        response = await operator.call(method, path)
        assert response.status_code == 405
        assert response.headers["allow"] == ", ".join(sorted(allowed))
