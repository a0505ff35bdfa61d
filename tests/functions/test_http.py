"""The body of a scheduled request: read whole, or refused by the names of what cannot be used.

What the scheduled functions share, whatever they are asked to do.
"""

import json
import sys
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from functions.http import JsonResult
from functions.poll import ScheduledPollRequest
from functions.reconcile import ScheduledReconcileRequest
from functions.scheduled import ScheduledRequestT, handle_scheduled_request, parse_scheduled_request
from shared.context import AppContext

DATES = ["2026-02-30", "2026-3-9", "2026-03-09T00:00:00", "0000-01-01", "null", "\ud800"]
FIELDS = ["restaurantId", "startDate", "endDate", "dryRun", "force", "backfill", "tick"]

COMPLETE_REQUEST = {
    "restaurantId": "a",
    "startDate": "2026-03-09",
    "endDate": "2026-03-10",
    "dryRun": True,
}


async def parse_request(
    kind: type[ScheduledRequestT], body: bytes
) -> ScheduledRequestT | JsonResult:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    return await parse_scheduled_request(
        Request({"type": "http", "method": "POST", "headers": []}, receive), kind
    )


async def field_errors(**body: object) -> list[str]:
    """Return which fields of an order to reconcile are told to be at fault."""
    answer = await parse_request(ScheduledReconcileRequest, json.dumps(body).encode())
    assert isinstance(answer, JsonResult)
    assert (answer.status_code, answer.body["status"]) == (400, "invalid_request")
    fields = answer.body["fields"]
    assert isinstance(fields, list)
    return fields


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b'{"unknown": 1}', b'{"restaurantId": null}'])
async def test_an_empty_body_requests_every_restaurant(body: bytes) -> None:
    assert await parse_request(ScheduledPollRequest, body) == ScheduledPollRequest()
    assert await parse_request(ScheduledReconcileRequest, body) == ScheduledReconcileRequest()


async def test_a_complete_request_is_parsed_and_encoded_unchanged() -> None:
    order = await parse_request(ScheduledReconcileRequest, json.dumps(COMPLETE_REQUEST).encode())
    assert isinstance(order, ScheduledReconcileRequest)
    assert (order.start_date, order.end_date, order.is_dry_run) == (
        date(2026, 3, 9),
        date(2026, 3, 10),
        True,
    )
    assert order.body_for_restaurant("b") == COMPLETE_REQUEST | {"restaurantId": "b"}


async def test_an_empty_request_is_encoded_as_empty() -> None:
    assert ScheduledReconcileRequest(restaurant_id="a", tick="now").body_for_restaurant("b") == {
        "restaurantId": "b"
    }


@pytest.mark.parametrize("body", [b"[]", b"5", b"null", b"{", b'{"a": 1, "a": 2}', b"\xff"])
async def test_a_body_that_is_not_an_object_is_rejected(body: bytes) -> None:
    answer = await parse_request(ScheduledPollRequest, body)
    assert isinstance(answer, JsonResult)
    assert (answer.status_code, answer.body) == (400, {"status": "invalid_json"})


async def test_every_invalid_field_is_named() -> None:
    told = await field_errors(
        restaurantId=5, startDate="2026-02-30", endDate=0, dryRun="x", force=[]
    )
    assert told == ["dryRun", "endDate", "force", "restaurantId", "startDate"]


@pytest.mark.parametrize("value", ["", "a/b", "é", "a\n", "a" * 129, "\ud800", 5, True, [], {}])
async def test_an_id_that_cannot_be_one_is_refused(value: object) -> None:
    assert await field_errors(restaurantId=value) == ["restaurantId"]
    assert await field_errors(restaurantId="a", force=value) == ["force"]


@pytest.mark.parametrize("value", [*DATES, 0, 86400, 1.5, True, [], 10**30])
async def test_an_invalid_date_is_rejected(value: object) -> None:
    assert await field_errors(startDate=value) == ["startDate"]


@pytest.mark.parametrize("value", ["true", "yes", "", 1, 0, 1.0, None, []])
async def test_booleans_are_not_coerced(value: object) -> None:
    assert await field_errors(dryRun=value) == ["dryRun"]


@pytest.mark.parametrize("end", ["2026-03-08", "9999-12-31"])
async def test_an_invalid_window_is_reported_for_the_body(end: str) -> None:
    assert await field_errors(startDate="2026-03-09", endDate=end) == ["body"]


@given(
    st.dictionaries(
        st.sampled_from(FIELDS),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
async def test_any_request_is_parsed_or_rejected(body: dict[str, object]) -> None:
    for kind in (ScheduledPollRequest, ScheduledReconcileRequest):
        answer = await parse_request(kind, json.dumps(body).encode())
        assert (
            answer.status_code == 400
            if isinstance(answer, JsonResult)
            else isinstance(answer, kind)
        )


CLIENT = "shared.opentable.client"
POST = {"type": "http", "method": "POST", "headers": []}


async def receive_empty_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


async def test_the_opentable_client_is_imported_during_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run(_services: AppContext, _order: ScheduledPollRequest) -> JsonResult:
        return JsonResult(200, {"met": CLIENT in sys.modules})

    monkeypatch.setattr("shared.context._contexts_by_loop", {})  # a process's, of this test alone
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "scheduled")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.delitem(sys.modules, CLIENT)
    answer = await handle_scheduled_request(
        Request(POST, receive_empty_body), ScheduledPollRequest, run
    )
    assert (answer.status_code, answer.body) == (200, b'{"met":false}')
    assert CLIENT in sys.modules
