import json

import pytest

from sandbox.fault_injection import FOREIGN_URL, UNKNOWN_STATE, FailureKind
from tests.sandbox.client import LIST_PATH, RID, SandboxClient


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_scripted_status_is_returned_the_requested_number_of_times(
    status: int, sandbox_client: SandboxClient
) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.STATUS, status=status, times=2)
    assert [sandbox_client.listing().status for _ in range(3)] == [status, status, 200]


def test_a_failure_waits_for_its_path(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.STATUS, path="/sync/v2/guests")
    assert sandbox_client.listing().status == 200
    assert sandbox_client.get("/sync/v2/guests", {"rid": RID}).status == 503


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
    shape: str, names: set[str], sandbox_client: SandboxClient
) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.STATUS, shape=shape)
    assert set(json.loads(sandbox_client.listing().body)) == names


def test_an_error_may_have_no_body(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.STATUS, shape="empty")
    assert sandbox_client.listing().body == b""


def test_a_scripted_status_can_have_retry_after(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.STATUS, retry_after="7")
    assert sandbox_client.listing().headers["Retry-After"] == "7"


@pytest.mark.usefixtures("three_reservations")
def test_a_truncated_body_is_no_json(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.TRUNCATED)
    response = sandbox_client.listing()
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.body)
    assert response.status == 200


def test_an_html_page_comes_with_200(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.HTML)
    response = sandbox_client.listing()
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html")


@pytest.mark.usefixtures("three_reservations")
@pytest.mark.parametrize(
    "kind, field, value",
    [
        (FailureKind.UNKNOWN_FIELD, "field_from_next_year", {"nested": [1]}),
        (FailureKind.UNKNOWN_STATE, "state", UNKNOWN_STATE),
        (FailureKind.NULL_TABLE, "table_number", None),
    ],
)
def test_a_row_has_a_scripted_oddity(
    kind: FailureKind, field: str, value: object, sandbox_client: SandboxClient
) -> None:
    sandbox_client.sandbox.faults.script_failure(kind)
    assert sandbox_client.payload()["items"][0][field] == value


def test_an_oddity_reaches_a_single_object(
    sandbox_client: SandboxClient, three_reservations: list[str]
) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.UNKNOWN_STATE)
    path = f"{LIST_PATH}/{RID}-{three_reservations[0]}"
    assert sandbox_client.payload(path)["state"] == UNKNOWN_STATE


def test_a_page_repeats(sandbox_client: SandboxClient, three_reservations: list[str]) -> None:
    assert sandbox_client.keys(limit=1) == [three_reservations[0]]
    sandbox_client.sandbox.faults.script_failure(FailureKind.REPEATED_PAGE)
    assert sandbox_client.keys(limit=1, offset=1) == [three_reservations[0]]


def test_the_next_page_points_to_a_foreign_host(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.FOREIGN_NEXT)
    assert sandbox_client.payload()["nextPageUrl"] == FOREIGN_URL


def test_a_revoked_token_is_refused_from_then_on(sandbox_client: SandboxClient) -> None:
    basic = "Basic Y2xpZW50OnNlY3JldA=="
    token = str(sandbox_client.sandbox.tokens.issue(basic)["access_token"])
    sandbox_client.sandbox.faults.script_failure(FailureKind.REVOKED)
    assert [sandbox_client.listing(bearer=token).status for _ in range(2)] == [401, 401]
    assert sandbox_client.sandbox.tokens.issue(basic)["access_token"] != token


def test_clearing_switches_everything_off(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.STATUS, times=5)
    sandbox_client.sandbox.faults.clear()
    assert sandbox_client.listing().status == 200


def test_a_redirect_points_to_a_foreign_host(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.faults.script_failure(FailureKind.REDIRECT)
    response = sandbox_client.listing()
    assert (response.status, response.headers["Location"]) == (302, FOREIGN_URL)
