"""Rules for every call: addresses, methods, roles, limits, headers, the shape of errors."""

import gzip
import json
from typing import Any

import pytest
from google.api_core import exceptions as google

from tests.support.firestore import FirestoreSpy
from tests.support.staff_api import OPERATIONS, Operation, StaffApiClient, error_code


@pytest.mark.parametrize(
    "path",
    ["", "reservation", "reservations/", "reservations/a/b/c", "reports/__x__", "reports/.."],
)
async def test_an_unknown_path_is_not_found(path: str, host: StaffApiClient) -> None:
    assert error_code(await host.get(path)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("restaurant_id", ["a b", "a.b", "x" * 129])
async def test_an_id_that_can_be_no_restaurants_is_not_found(
    restaurant_id: str, operator: StaffApiClient
) -> None:
    assert error_code(await operator.at_restaurant(restaurant_id).get("reports")) == (
        404,
        "NOT_FOUND",
    )


DECISION = {"decision": "KEPT", "reason": "Confirmed by phone"}


@pytest.mark.parametrize(
    "call, body",
    [
        ("GET reports/latest", None),
        ("GET reports/none", None),
        ("GET reports/none/items?list=missing", None),
        ("POST reports/none/force", None),
        ("POST reports/none/reviews", DECISION),
        ("GET reservations/none", None),
        ("GET reservations/none/events", None),
        ("POST reservations/none/review", DECISION),
        ("GET quarantine/none", None),
        ("POST quarantine/none/replay", None),
        ("POST quarantine/none/dismiss", {"reason": "x"}),
        ("DELETE staff/none", None),
    ],
)
async def test_what_does_not_exist_is_not_found(
    call: str, body: dict[str, str] | None, manager: StaffApiClient
) -> None:
    response = await manager.call(*call.split(), json=body)
    assert error_code(response) == (404, "NOT_FOUND")


JSON = {"Content-Type": "application/json"}
# A request is validated only after the caller is authorized.
INVALID_REQUEST: dict[str, Any] = {
    "params": {"unknown": "1"},
    "content": b"{",
    "headers": JSON,
}


@pytest.mark.parametrize("sent", [{}, INVALID_REQUEST], ids=["valid", "invalid"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_every_call_requires_a_token(
    operation: Operation, sent: dict[str, Any], emulator_client: StaffApiClient
) -> None:
    response = await emulator_client.call(operation.method, operation.path, **sent)
    assert error_code(response) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("sent", [{}, INVALID_REQUEST], ids=["valid", "invalid"])
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.role != "user"], ids=str)
async def test_every_call_about_a_restaurant_requires_a_staff_member(
    operation: Operation,
    sent: dict[str, Any],
    emulator_client: StaffApiClient,
) -> None:
    unassigned_user = emulator_client.sign_in("unassigned")
    response = await unassigned_user.call(operation.method, operation.path, **sent)
    assert error_code(response) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.role == "manager"], ids=str
)
async def test_a_host_may_not_make_manager_calls(
    operation: Operation, host: StaffApiClient
) -> None:
    response = await host.call(operation.method, operation.path)
    assert error_code(response) == (403, "ROLE_REQUIRED")


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_every_call_rejects_an_unknown_parameter(
    operation: Operation, operator: StaffApiClient
) -> None:
    response = await operator.call(operation.method, operation.path, params={"unknown": "1"})
    assert error_code(response) == (400, "INVALID_REQUEST")


BODYLESS = [
    operation
    for operation in OPERATIONS
    if operation.method != "GET" and "requestBody" not in operation.document
]


@pytest.mark.parametrize("operation", BODYLESS, ids=str)
async def test_a_body_that_would_be_ignored_is_refused(
    operation: Operation, manager: StaffApiClient
) -> None:
    response = await manager.call(operation.method, operation.path, json={"dryRun": True})
    assert error_code(response) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("path", ["reports", "nothing"])
async def test_no_response_may_be_cached(path: str, host: StaffApiClient) -> None:
    headers = (await host.get(path)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a": NaN}', b'{"a": 1, "a": 1}', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(
    body: bytes, manager: StaffApiClient
) -> None:
    response = await manager.call("PUT", "integration", content=body, headers=JSON)
    assert error_code(response) == (400, "INVALID_REQUEST")


async def test_a_body_over_the_bound_is_refused(manager: StaffApiClient) -> None:
    response = await manager.put("integration", {"country": "x" * 300_000})
    assert error_code(response) == (413, "TOO_LARGE")


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "application/merge-patch+json", ""]
)
async def test_a_body_of_another_type_is_refused(media_type: str, manager: StaffApiClient) -> None:
    headers = {"Content-Type": media_type}
    response = await manager.call("PUT", "integration", content=b"{}", headers=headers)
    assert error_code(response) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.headers["accept"] == "application/json"


async def test_a_compressed_body_is_refused(manager: StaffApiClient) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    body = gzip.compress(b"{}")
    response = await manager.call("PUT", "integration", content=body, headers=headers)
    assert error_code(response) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "", "Identity, identity"])
async def test_the_api_accepts_a_content_coding_that_means_none(
    coding: str, manager: StaffApiClient
) -> None:
    headers = {**JSON, "Content-Encoding": coding}
    response = await manager.call("PUT", "integration", content=b"{}", headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("error", [google.ServiceUnavailable, google.PermissionDenied])
async def test_without_firestore_the_response_has_retry_after(
    error: type[Exception], operator: StaffApiClient
) -> None:
    wire = FirestoreSpy(operator.api_context.app_context.firestore)
    wire.failure = error
    client = operator.with_app_context(firestore=wire.client)
    response = await client.get("integration")
    assert error_code(response) == (503, "UNAVAILABLE")
    assert int(response.headers["retry-after"]) > 0


# The middleware verifies the token before the routing; the role is read after it.
@pytest.mark.parametrize("broken_client", ["token_verifier", "staff_roles"])
async def test_an_internal_error_gets_a_structured_response(
    broken_client: str, host: StaffApiClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client = host.with_api_context(**{broken_client: None})
    assert error_code(await client.get("reports")) == (503, "UNAVAILABLE")
    assert '"event": "internal_error"' in capsys.readouterr().out


async def test_a_call_logs_its_trace(
    host: StaffApiClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client = host.with_api_context(staff_roles=None).with_environment(project="project-1")
    await client.get("reports", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    line = json.loads(capsys.readouterr().out)
    assert line["logging.googleapis.com/trace"] == f"projects/project-1/traces/{'a' * 32}"


@pytest.mark.parametrize("host_header", ["", "[", "a/b?c", "x" * 500])
async def test_a_hostile_host_header_changes_nothing(
    host_header: str, host: StaffApiClient
) -> None:
    response = await host.get("reports", headers={"Host": host_header})
    assert response.status_code == 200
