"""A scheduled request is parsed in full, or rejected with the names of its invalid fields."""

import gzip
import json
import sys
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from starlette.requests import Request

import shared.opentable
from functions.http import (
    JsonResult,
    RequestRejectedError,
    ScheduledRequestT,
    build_status_result,
    json_function,
    log_failed_run,
    preload_opentable_client,
    read_scheduled_request,
    set_request_trace,
)
from functions.poll import ScheduledPollRequest
from functions.reconcile import ScheduledReconcileRequest
from shared.config import read_environment
from shared.context import AppContext, build_app_context
from shared.domain.http_messages import InvalidJsonError
from shared.errors import InvalidSettingsError, ServiceUnavailableError
from shared.log import LogEvent, Severity, log_event

DATES = ["2026-02-30", "2026-3-9", "2026-03-09T00:00:00", "0000-01-01", "null", "\ud800"]
FIELDS = ["restaurantId", "startDate", "endDate", "dryRun", "force", "backfill", "tick"]
COMPLETE_REQUEST = {
    "restaurantId": "a",
    "startDate": "2026-03-09",
    "endDate": "2026-03-10",
    "dryRun": True,
}
OPENTABLE_CLIENT_MODULE = "shared.opentable.client"
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
async def context(monkeypatch: pytest.MonkeyPatch) -> AppContext:
    """The context of the process, whose clock stands still."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    variables = {"GOOGLE_CLOUD_PROJECT": "p", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}
    built = build_app_context(read_environment(variables))
    context = replace(built, clock=lambda: datetime(2026, 3, 9, 12, 30, 59, tzinfo=UTC))
    monkeypatch.setattr("functions.http.get_app_context", lambda: context)
    return context


def make_request(body: bytes, method: str = "POST", **headers: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    header_list = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "query_string": b""}
    return Request({**scope, "headers": header_list}, receive)


async def parse_request(
    context: AppContext, request_type: type[ScheduledRequestT], body: bytes
) -> ScheduledRequestT | JsonResult:
    try:
        parsed = await read_scheduled_request(make_request(body), context, request_type)
    except RequestRejectedError as error:
        return error.result
    except InvalidJsonError:
        return build_status_result(400, "invalid_json")
    return replace(parsed, tick="")


async def field_errors(context: AppContext, **body: object) -> list[str]:
    """Return the invalid fields of a request for a reconciliation."""
    result = await parse_request(context, ScheduledReconcileRequest, json.dumps(body).encode())
    assert isinstance(result, JsonResult)
    assert (result.status_code, result.body["status"]) == (400, "invalid_request")
    fields = result.body["fields"]
    assert isinstance(fields, list)
    return fields


@pytest.mark.parametrize(
    "headers,tick",
    [({}, "2026-03-09T12:30"), ({"x-cloudscheduler-scheduletime": "then"}, "then")],
)
async def test_the_tick_is_the_time_of_the_schedule_or_the_minute(
    context: AppContext, headers: dict[str, str], tick: str
) -> None:
    request = make_request(b"{}", **headers)
    assert (await read_scheduled_request(request, context, ScheduledPollRequest)).tick == tick


@pytest.mark.parametrize(
    "body,method,status",
    [(b"", "GET", (405, "method_not_allowed")), (b" " * 300_000, "POST", (413, "too_large"))],
)
async def test_a_request_with_another_method_or_a_large_body_is_rejected(
    context: AppContext, body: bytes, method: str, status: tuple[int, str]
) -> None:
    with pytest.raises(RequestRejectedError) as rejection:
        await read_scheduled_request(make_request(body, method), context, ScheduledPollRequest)
    result = rejection.value.result
    assert (result.status_code, result.body["status"]) == status


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "deflate", "identity, gzip", "odd"])
async def test_a_compressed_request_is_rejected(context: AppContext, name: str) -> None:
    request = make_request(gzip.compress(b"{}"), **{"content-encoding": name})
    with pytest.raises(RequestRejectedError) as rejection:
        await read_scheduled_request(request, context, ScheduledPollRequest)
    response = rejection.value.result.to_response()
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")


@pytest.mark.parametrize("name", ["identity", "", " IDENTITY, identity", ",\t,"])
async def test_a_content_coding_that_means_none_is_accepted(context: AppContext, name: str) -> None:
    request = make_request(b'{"restaurantId": "a"}', **{"content-encoding": name})
    parsed = await read_scheduled_request(request, context, ScheduledPollRequest)
    assert parsed.restaurant_id == "a"


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b'{"restaurantId": null}'])
async def test_an_empty_body_requests_every_restaurant(context: AppContext, body: bytes) -> None:
    for request_type in (ScheduledPollRequest, ScheduledReconcileRequest):
        assert await parse_request(context, request_type, body) == request_type()


async def test_a_complete_request_is_parsed_and_encoded_unchanged(context: AppContext) -> None:
    body = json.dumps(COMPLETE_REQUEST).encode()
    request = await parse_request(context, ScheduledReconcileRequest, body)
    assert isinstance(request, ScheduledReconcileRequest)
    window = (request.start_date, request.end_date)
    assert window == (date(2026, 3, 9), date(2026, 3, 10))
    assert request.is_dry_run
    options = request.build_task_fields()
    assert options | {"restaurantId": request.restaurant_id} == COMPLETE_REQUEST


@pytest.mark.parametrize(
    "body,options",
    [
        ({}, {"scheduled": True}),
        ({"restaurantId": "a"}, {}),
        ({"restaurantIds": ["a", "b"]}, {}),
        ({"restaurantIds": ["a", "b"], "scheduled": True}, {"scheduled": True}),
        ({"dryRun": True}, {"dryRun": True}),
    ],
)
async def test_only_a_plain_request_leaves_the_days_to_the_schedule(
    context: AppContext, body: dict[str, object], options: dict[str, object]
) -> None:
    request = await parse_request(context, ScheduledReconcileRequest, json.dumps(body).encode())
    assert isinstance(request, ScheduledReconcileRequest)
    assert request.build_task_fields() == options
    assert request.to_options().is_scheduled is bool(options.get("scheduled"))


@pytest.mark.parametrize(
    "body, name",
    [
        ({"restaurantId": "a", "restaurantIds": ["b"]}, "restaurantIds"),
        ({"scheduled": True, "startDate": "2026-03-09"}, "scheduled"),
        ({"scheduled": True, "force": "report", "restaurantId": "a"}, "scheduled"),
        ({"force": "report"}, "force"),
        ({"force": "report", "restaurantId": "a", "dryRun": True}, "force"),
        ({"force": "report", "restaurantId": "a", "startDate": "2026-03-09"}, "force"),
        ({"force": "report", "restaurantId": "a", "endDate": "2026-03-09"}, "force"),
    ],
)
async def test_fields_that_contradict_each_other_are_named(
    context: AppContext, body: dict[str, object], name: str
) -> None:
    assert await field_errors(context, **body) == [name]


async def test_a_backfill_without_its_restaurant_is_named(context: AppContext) -> None:
    result = await parse_request(context, ScheduledPollRequest, b'{"backfill": true}')
    assert result == JsonResult(400, {"status": "invalid_request", "fields": ["backfill"]})


async def test_an_empty_list_does_not_request_every_restaurant(context: AppContext) -> None:
    assert await field_errors(context, restaurantIds=[]) == ["restaurantIds"]


async def test_a_restaurant_named_twice_is_requested_once(context: AppContext) -> None:
    body = b'{"restaurantIds": ["b", "a", "b"]}'
    request = await parse_request(context, ScheduledPollRequest, body)
    assert isinstance(request, ScheduledPollRequest)
    assert request.requested_ids == ("b", "a")


async def test_a_task_names_a_limited_number_of_restaurants(context: AppContext) -> None:
    assert await field_errors(context, restaurantIds=["a"] * 201) == ["restaurantIds"]


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    "body, name",
    [
        *((body, "body") for body in (b"[]", b"5", b"null", b"{", b"\xff")),
        (b'{"dryRun": true, "dryRun": false}', "dryRun"),
        (b'{"b": 1, "a": {"c": 1, "c": 2}}', "c"),
    ],
)
async def test_a_body_that_is_not_an_object_is_rejected_and_a_repeated_key_named(
    body: bytes, name: str
) -> None:
    async def read(request: Request, context: AppContext) -> JsonResult:
        await read_scheduled_request(request, context, ScheduledPollRequest)
        return JsonResult(200, {})

    response = await json_function(log_failed_run)(read)(make_request(body))
    assert response.status_code == 400
    assert json.loads(bytes(response.body)) == {"status": "invalid_json", "fields": [name]}


async def test_every_invalid_field_is_named(context: AppContext) -> None:
    errors = await field_errors(
        context, restaurantId=5, startDate="2026-02-30", endDate=0, dryRun="x", force=[]
    )
    assert errors == ["dryRun", "endDate", "force", "restaurantId", "startDate"]


@pytest.mark.parametrize(
    "name", ["dryrun", "dry_run", "DryRun", "restaurantid", "start_date", "Force", "tick", "é"]
)
@pytest.mark.parametrize("value", [True, None, "restaurant-123", {}])
async def test_an_unknown_field_is_named(context: AppContext, name: str, value: object) -> None:
    assert await field_errors(context, **{name: value}) == [name]
    assert await field_errors(context, **COMPLETE_REQUEST, **{name: value}) == [name]


async def test_a_query_parameter_is_unknown(context: AppContext) -> None:
    request = make_request(b"{}")
    request.scope["query_string"] = b"dryRun=true"
    with pytest.raises(RequestRejectedError) as rejected:
        await read_scheduled_request(request, context, ScheduledReconcileRequest)
    assert rejected.value.result == JsonResult(
        400, {"status": "invalid_request", "fields": ["dryRun"]}
    )


async def test_unknown_and_invalid_fields_are_named_together(context: AppContext) -> None:
    assert await field_errors(context, dryrun=True, dryRun=1) == ["dryRun", "dryrun"]


@pytest.mark.parametrize("name", ["dryRun", "force", "startDate", "Backfill", "tick"])
async def test_a_field_of_another_function_is_unknown(context: AppContext, name: str) -> None:
    body = json.dumps({name: None}).encode()
    result = await parse_request(context, ScheduledPollRequest, body)
    assert result == JsonResult(400, {"status": "invalid_request", "fields": [name]})


@given(st.text(st.characters(), max_size=200), st.none() | st.booleans() | st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_unknown_name_is_answered_as_json(
    context: AppContext, name: str, value: object
) -> None:
    assume(name not in COMPLETE_REQUEST.keys() | {"force"})
    body = json.dumps({name: value}).encode()
    result = await parse_request(context, ScheduledReconcileRequest, body)
    assert isinstance(result, JsonResult)
    assert result.to_response().status_code == 400


@pytest.mark.parametrize("value", ["", "a/b", "é", "a\n", "a" * 129, "\ud800", 5, True, [], {}])
async def test_an_invalid_id_is_rejected(context: AppContext, value: object) -> None:
    assert await field_errors(context, restaurantId=value) == ["restaurantId"]
    assert await field_errors(context, restaurantId="a", force=value) == ["force"]


@pytest.mark.parametrize("value", [*DATES, 0, 86400, 1.5, True, [], 10**30])
async def test_an_invalid_date_is_rejected(context: AppContext, value: object) -> None:
    assert await field_errors(context, startDate=value) == ["startDate"]


@pytest.mark.parametrize("value", ["true", "yes", "", 1, 0, 1.0, None, []])
async def test_booleans_are_not_coerced(context: AppContext, value: object) -> None:
    assert await field_errors(context, dryRun=value) == ["dryRun"]


@pytest.mark.parametrize("end", ["2026-03-08", "9999-12-31"])
async def test_an_invalid_window_is_reported_for_its_end(context: AppContext, end: str) -> None:
    assert await field_errors(context, startDate="2026-03-09", endDate=end) == ["endDate"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(FIELDS),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
async def test_any_request_is_parsed_or_rejected(
    context: AppContext, body: dict[str, object]
) -> None:
    for request_type in (ScheduledPollRequest, ScheduledReconcileRequest):
        result = await parse_request(context, request_type, json.dumps(body).encode())
        assert isinstance(result, request_type) or (
            isinstance(result, JsonResult) and result.status_code == 400
        )


async def test_the_opentable_client_is_imported_during_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, OPENTABLE_CLIENT_MODULE)
    monkeypatch.delattr(shared.opentable, "client")  # restored after the test, like the module
    async with preload_opentable_client():
        assert OPENTABLE_CLIENT_MODULE not in sys.modules
    assert OPENTABLE_CLIENT_MODULE in sys.modules


@pytest.mark.parametrize(
    "headers,fields",
    [
        (
            {"traceparent": TRACEPARENT, "x-cloud-trace-context": "c" * 32},
            {
                "logging.googleapis.com/trace": f"projects/project-1/traces/{'a' * 32}",
                "logging.googleapis.com/spanId": "b" * 16,
                "logging.googleapis.com/trace_sampled": True,
            },
        ),
        (
            {"x-cloud-trace-context": "c" * 32},
            {
                "logging.googleapis.com/trace": f"projects/project-1/traces/{'c' * 32}",
                "logging.googleapis.com/trace_sampled": False,
            },
        ),
        ({"x-cloud-trace-context": "marked/1", "traceparent": "marked"}, {}),
        ({}, {}),
    ],
)
def test_log_lines_of_a_request_have_its_valid_trace(
    capsys: pytest.CaptureFixture[str], headers: dict[str, str], fields: dict[str, object]
) -> None:
    set_request_trace(make_request(b"", **headers), "project-1")
    log_event(Severity.INFO, LogEvent.POLL)
    set_request_trace(make_request(b""), "project-1")
    line = json.loads(capsys.readouterr().out)
    assert {name: value for name, value in line.items() if "/" in name} == fields


def test_log_lines_without_a_project_have_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    set_request_trace(make_request(b"", traceparent=TRACEPARENT), None)
    log_event(Severity.INFO, LogEvent.POLL)
    assert not [name for name in json.loads(capsys.readouterr().out) if "/" in name]


@pytest.mark.usefixtures("context")
async def test_a_function_logs_the_trace_of_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    async def log(_request: Request, _context: AppContext) -> JsonResult:
        log_event(Severity.INFO, LogEvent.POLL)
        return JsonResult(200, {})

    await json_function(log_failed_run)(log)(make_request(b"", traceparent=TRACEPARENT))
    line = json.loads(capsys.readouterr().out)
    assert line["logging.googleapis.com/trace"] == f"projects/p/traces/{'a' * 32}"


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize(
    "error,event",
    [
        (ServiceUnavailableError("Aborted"), "run.failed"),
        (TimeoutError(), "run.failed"),
        (InvalidSettingsError("Set it."), "settings.unusable"),
        (KeyError("a guest"), "internal_error"),
    ],
)
async def test_an_error_on_our_side_is_logged_and_answered_with_503(
    capsys: pytest.CaptureFixture[str], error: Exception, event: str
) -> None:
    async def fail(_request: Request, _context: AppContext) -> JsonResult:
        raise error

    response = await json_function(log_failed_run)(fail)(make_request(b""))
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    logged = capsys.readouterr().out
    assert json.loads(logged)["event"] == event
    assert "a guest" not in logged
