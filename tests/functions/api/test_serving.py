"""What holds of every call: paths, methods, bounds, headers, one shape of error."""

import pytest
from google.api_core import exceptions as google
from msgspec.structs import replace

from functions.staff.table import every_route
from shared.edge.staff.membership import Role, StaffRoles
from shared.edge.staff.staffroom import ApiContext
from tests.functions.api.caller import Caller, code_of, served, unsigned
from tests.timer import Timer
from tests.wire import Wire

ROUTES = every_route()
CALLS = [(route.method, route.path.replace("{id}", "x")) for route in ROUTES]


@pytest.mark.parametrize(
    "path",
    ["", "reservation", "reservations/", "reservations/a/b/c", "reports/__x__", "reports/.."],
)
async def test_an_unknown_path_is_not_found(path: str, host: Caller) -> None:
    assert code_of(await host.get(path)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("restaurant_id", ["a b", "a.b", "x" * 129])
async def test_an_id_that_can_be_no_restaurants_is_not_found(
    restaurant_id: str, operator: Caller
) -> None:
    assert code_of(await operator.at(restaurant_id).get("reports")) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS", "PATCH", "POST"])
async def test_a_method_that_a_path_lacks_is_told_which_it_has(
    method: str, manager: Caller
) -> None:
    refused = await manager.call(method, "integration")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, PUT")


@pytest.mark.parametrize("method, path", CALLS)
async def test_every_call_wants_a_token(method: str, path: str, visitor: Caller) -> None:
    assert code_of(await visitor.call(method, path)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("method, path", CALLS)
async def test_every_call_wants_a_member(
    method: str, path: str, visitor: Caller, project: str
) -> None:
    stranger = visitor.with_token(unsigned(project, "somebody"))
    assert code_of(await stranger.call(method, path)) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    "method, path",
    [
        (route.method, route.path.replace("{id}", "x"))
        for route in ROUTES
        if route.role is Role.MANAGER
    ],
)
async def test_a_managers_calls_are_not_a_hosts(method: str, path: str, host: Caller) -> None:
    assert code_of(await host.call(method, path)) == (403, "ROLE_REQUIRED")


@pytest.mark.parametrize("path", ["reports", "nothing"])
async def test_every_answer_stays_with_its_caller(path: str, host: Caller) -> None:
    headers = (await host.get(path)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("query", ["date=2026-03-14&date=2026-03-15", "day=2026-03-14"])
async def test_a_query_that_is_not_understood_is_refused(query: str, host: Caller) -> None:
    assert code_of(await host.get(f"reservations?{query}")) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a": NaN}', b'{"a": 1, "a": 1}', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(body: bytes, manager: Caller) -> None:
    json = {"Content-Type": "application/json"}
    refused = await manager.call("PUT", "integration", content=body, headers=json)
    assert code_of(refused) == (400, "INVALID_REQUEST")


async def test_a_body_over_the_bound_is_refused(manager: Caller) -> None:
    refused = await manager.put("integration", {"country": "x" * 300_000})
    assert code_of(refused) == (413, "TOO_LARGE")


async def test_a_body_of_another_type_is_refused(manager: Caller) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused = await manager.call("PUT", "integration", content=b"a=b", headers=form)
    assert code_of(refused) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("error", [google.ServiceUnavailable, google.PermissionDenied])
async def test_while_firestore_is_away_the_caller_is_told_when_to_come_back(
    error: type[Exception], room: ApiContext, operator: Caller
) -> None:
    wire = Wire(room.app_context.firestore)
    wire.refusal = error
    away = replace(room.app_context, firestore=wire.client)
    caller = replace(operator, transport=served(replace(room, app_context=away)))
    refused = await caller.get("integration")
    assert code_of(refused) == (503, "UNAVAILABLE")
    assert int(refused.headers["retry-after"]) > 0


async def test_a_fault_of_ours_is_no_500(
    room: ApiContext, host: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = StaffRoles(None, Timer())  # type: ignore[arg-type] # the fault
    caller = replace(host, transport=served(replace(room, staff_roles=broken)))
    assert code_of(await caller.get("reports")) == (503, "UNAVAILABLE")
    assert '"event": "crashed"' in capsys.readouterr().out


@pytest.mark.parametrize("host_header", ["", "[", "a/b?c", "x" * 500])
async def test_a_hostile_host_header_changes_nothing(host_header: str, host: Caller) -> None:
    reply = await host.get("reports", headers={"Host": host_header})
    assert reply.status_code == 200
