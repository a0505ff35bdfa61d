import json
from typing import Any

import pytest

from dev.sandbox.answers import OpenTableApi
from dev.sandbox.faults import FailureKind
from dev.sandbox.spoil import FOREIGN_URL, UNKNOWN_STATE
from tests.dev.sandbox.caller import LIST, RID, Caller


def first(caller: Caller) -> dict[str, Any]:
    items = caller.payload()["items"]
    return dict(items[0])


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_scripted_status_is_answered_as_often_as_asked(
    status: int, sandbox: OpenTableApi, caller: Caller
) -> None:
    sandbox.faults.script_failure(FailureKind.STATUS, status=status, times=2)
    assert [caller.listing().status for _ in range(3)] == [status, status, 200]


def test_a_failure_waits_for_its_path(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.STATUS, path="/sync/v2/guests")
    assert caller.listing().status == 200
    assert caller.get("/sync/v2/guests", {"rid": RID}).status == 503


@pytest.mark.parametrize(
    "shape,names",
    [
        ("spring", {"timestamp", "path", "status", "error", "requestId"}),
        ("spring_message", {"timestamp", "path", "status", "error", "requestId", "message"}),
        ("legacy", {"error", "message"}),
        ("family", {"errors", "requestid"}),
    ],
)
def test_errors_have_four_documented_shapes(
    shape: str, names: set[str], sandbox: OpenTableApi, caller: Caller
) -> None:
    sandbox.faults.script_failure(FailureKind.STATUS, shape=shape)
    assert set(json.loads(caller.listing().body)) == names


def test_an_error_may_have_no_body(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.STATUS, shape="empty")
    assert caller.listing().body == b""


def test_a_scripted_status_can_say_when_to_come_back(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.STATUS, retry_after="7")
    assert caller.listing().headers["Retry-After"] == "7"


@pytest.mark.usefixtures("three")
def test_a_truncated_body_is_no_json(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.TRUNCATED)
    response = caller.listing()
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.body)
    assert response.status == 200


def test_an_html_page_comes_with_200(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.HTML)
    response = caller.listing()
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html")


@pytest.mark.usefixtures("three")
def test_an_unknown_field_appears(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.UNKNOWN_FIELD)
    assert "field_from_next_year" in first(caller)


@pytest.mark.usefixtures("three")
def test_an_unknown_state_appears(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.UNKNOWN_STATE)
    assert first(caller)["state"] == UNKNOWN_STATE


@pytest.mark.usefixtures("three")
def test_table_numbers_become_null(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.NULL_TABLE)
    assert first(caller)["table_number"] is None


def test_an_oddity_reaches_a_single_object(
    sandbox: OpenTableApi, caller: Caller, three: list[str]
) -> None:
    sandbox.faults.script_failure(FailureKind.UNKNOWN_STATE)
    assert caller.payload(f"{LIST}/{RID}-{three[0]}")["state"] == UNKNOWN_STATE


def test_a_page_repeats(sandbox: OpenTableApi, caller: Caller, three: list[str]) -> None:
    assert caller.keys(limit=1) == [three[0]]
    sandbox.faults.script_failure(FailureKind.REPEATED_PAGE)
    assert caller.keys(limit=1, offset=1) == [three[0]]


def test_the_next_page_points_to_a_foreign_host(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.FOREIGN_NEXT)
    assert caller.payload()["nextPageUrl"] == FOREIGN_URL


def test_a_revoked_token_is_refused_from_then_on(sandbox: OpenTableApi, caller: Caller) -> None:
    basic = "Basic Y2xpZW50OnNlY3JldA=="
    token = str(sandbox.tokens.issue(basic)["access_token"])
    sandbox.faults.script_failure(FailureKind.REVOKED)
    assert [caller.listing(bearer=token).status for _ in range(2)] == [401, 401]
    assert sandbox.tokens.issue(basic)["access_token"] != token


def test_clearing_switches_everything_off(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.STATUS, times=5)
    sandbox.faults.clear()
    assert caller.listing().status == 200


def test_a_redirect_points_to_a_foreign_host(sandbox: OpenTableApi, caller: Caller) -> None:
    sandbox.faults.script_failure(FailureKind.REDIRECT)
    response = caller.listing()
    assert (response.status, response.headers["Location"]) == (302, FOREIGN_URL)
