"""Whatever the API's document allows or forbids, answers are as that document says."""

import os
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from schemathesis import GenerationMode, checks
from schemathesis import openapi as described
from schemathesis.specs.openapi import checks as promised

from shared.restaurants.directory import RestaurantDirectory
from shared.staff.auth import ApiContext
from tests.support.staff_api import (
    OPENAPI_DOCUMENT,
    OPERATIONS,
    StaffApiClient,
    api_transport,
)
from tests.support.world import World

# Without the security requirements, which schemathesis would break too: test_app covers the calls
# without a token.
SCHEMA: Any = described.from_dict(
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
    promised.status_code_conformance,
    promised.content_type_conformance,
    promised.response_headers_conformance,
    promised.response_schema_conformance,
    promised.negative_data_rejection,
]
EXAMPLES = 500 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 12
METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


@pytest.fixture
def anonymous_client(api_context_with_secret_file: ApiContext, world: World) -> StaffApiClient:
    """Nobody, where credentials can be stored: a call in a thousand enters some.

    A second goes by at every look at the clock, or the made-up restaurants of a long run would use
    up a minute's look-ups of unknown ones.
    """
    services, passing = api_context_with_secret_file.app_context, partial(next, count(0.0, 1.0))
    directory = RestaurantDirectory(
        services.firestore, services.directory._credential_cache, None, passing
    )
    patient = replace(
        api_context_with_secret_file, app_context=replace(services, directory=directory)
    )
    return StaffApiClient(api_transport(patient), world.restaurant.id, None)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", DESCRIBED_OPERATIONS, ids=lambda operation: operation.label)
@settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate],  # a call says what is wrong with it without being made smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_every_answer_is_a_documented_one(
    data: Any, operation: Any, mode: GenerationMode, operator: StaffApiClient, world: World
) -> None:
    case = data.draw(operation.as_strategy(mode))
    if mode.is_positive and data.draw(st.booleans()):
        case.path_parameters["restaurant_id"] = world.restaurant.id
    case.validate_response(await sent(case, operator), checks=CHECKS)


async def sent(case: Any, caller: StaffApiClient) -> httpx.Response:
    """Send a case as somebody, past the caller's own idea of addresses and bodies."""
    request = case.as_transport_kwargs(base_url="http://staff")
    headers = dict(request.pop("headers")) | {"Authorization": f"Bearer {caller.token}"}
    cookies, request["content"] = request.pop("cookies"), request.pop("data", None)
    async with httpx.AsyncClient(transport=caller.transport, cookies=cookies) as client:
        return await client.request(headers=headers, **request)


@pytest.mark.parametrize("path", sorted({operation.path for operation in OPERATIONS}))
async def test_every_method_that_a_path_lacks_is_refused(
    path: str, operator: StaffApiClient
) -> None:
    allowed = {operation.method for operation in OPERATIONS if operation.path == path}
    for method in METHODS - allowed:
        response = await operator.call(method, path)
        assert response.status_code == 405
        assert response.headers["allow"] == ", ".join(sorted(allowed))
