"""What the scheduled functions share, whatever they are asked to do."""

import sys
from typing import Any

import pytest
from starlette.requests import Request

from functions.http import JsonResult
from functions.poll import ScheduledPollRequest
from functions.scheduled import handle_scheduled_request
from shared.edge.services import AppContext

CLIENT = "shared.edge.opentable.client"
POST = {"type": "http", "method": "POST", "headers": []}


async def receive_empty_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


async def test_the_opentable_client_is_imported_during_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run(_services: AppContext, _order: ScheduledPollRequest) -> JsonResult:
        return JsonResult(200, {"met": CLIENT in sys.modules})

    monkeypatch.setattr(
        "shared.edge.services._contexts_by_loop", {}
    )  # a process's, of this test alone
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "scheduled")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.delitem(sys.modules, CLIENT)
    answer = await handle_scheduled_request(
        Request(POST, receive_empty_body), ScheduledPollRequest, run
    )
    assert (answer.status_code, answer.body) == (200, b'{"met":false}')
    assert CLIENT in sys.modules
