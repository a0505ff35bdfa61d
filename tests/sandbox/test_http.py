import base64
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from sandbox.api import OAUTH_TOKEN_PATH, OpenTableApi
from sandbox.clock import ManualClock
from sandbox.http import SandboxRequest, SandboxResponse
from sandbox.models import SandboxReservation
from sandbox.oauth import RateLimit
from tests.sandbox.client import LIST_PATH, RID, SandboxClient


def token(
    sandbox: OpenTableApi, *, method: str = "GET", pair: bytes = b"client:secret", **headers: str
) -> SandboxResponse:
    basic = {"authorization": "Basic " + base64.b64encode(pair).decode()}
    lengths = {name.replace("_", "-"): value for name, value in headers.items()}
    query = {"grant_type": "client_credentials"}
    return sandbox.handle(SandboxRequest(method, OAUTH_TOKEN_PATH, query, basic | lengths))


def parse_body(response: SandboxResponse) -> Any:
    return json.loads(response.body)


def test_a_token_reply_has_the_documented_fields(sandbox: OpenTableApi) -> None:
    reply = parse_body(token(sandbox))
    assert reply["access_token"].startswith("v2-")
    assert (reply["token_type"], reply["scope"]) == ("Bearer", "DEFAULT")


def test_a_token_is_shared_and_its_life_runs_down(
    sandbox: OpenTableApi, clock: ManualClock
) -> None:
    first = parse_body(token(sandbox))
    clock.advance(100)
    second = parse_body(token(sandbox))
    assert second == first | {"expires_in": first["expires_in"] - 100}


def test_a_post_without_length_is_refused(sandbox: OpenTableApi) -> None:
    assert token(sandbox, method="POST").status == 411


def test_a_post_with_length_gets_a_token(sandbox: OpenTableApi) -> None:
    assert token(sandbox, method="POST", content_length="0").status == 200


def test_wrong_client_credentials_get_401(sandbox: OpenTableApi) -> None:
    assert token(sandbox, pair=b"client:wrong").status == 401


def test_an_issued_token_opens_sync(sandbox: OpenTableApi, sandbox_client: SandboxClient) -> None:
    assert sandbox_client.listing(bearer=parse_body(token(sandbox))["access_token"]).status == 200


def test_an_expired_token_gets_401_and_is_replaced(
    sandbox: OpenTableApi, sandbox_client: SandboxClient, clock: ManualClock
) -> None:
    sandbox.tokens.lifetime = timedelta(seconds=5)
    text = parse_body(token(sandbox))["access_token"]
    clock.advance(5)
    assert sandbox_client.listing(bearer=text).status == 401
    assert parse_body(token(sandbox))["access_token"] != text


def test_a_bad_token_gets_the_spring_body(sandbox_client: SandboxClient) -> None:
    body = parse_body(sandbox_client.listing(bearer="v2-unknown"))
    assert (body["status"], body["error"], body["path"]) == (401, "Unauthorized", LIST_PATH)
    assert len(body["requestId"]) == 8


def test_no_token_gets_400(sandbox_client: SandboxClient) -> None:
    assert sandbox_client.listing(bearer=None).status == 400


def test_a_rid_that_is_not_granted_gets_403(sandbox_client: SandboxClient) -> None:
    response = sandbox_client.listing(rid=555999)
    assert (response.status, parse_body(response)["error"]) == (403, "no_rid_routing")


def test_an_offboarded_rid_gets_403(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.revoke_restaurant(RID)
    assert sandbox_client.listing().status == 403


def test_a_missing_rid_gets_400(sandbox_client: SandboxClient) -> None:
    assert sandbox_client.get(LIST_PATH).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/sync/v2/tables",
        "/elsewhere",
        f"{LIST_PATH}/{RID}-unknown",
        f"{LIST_PATH}/no-rid",
        f"{LIST_PATH}/x",
    ],
)
def test_an_unknown_path_or_id_gets_404(path: str, sandbox_client: SandboxClient) -> None:
    assert sandbox_client.get(path).status == 404


def test_writing_to_sync_is_refused(sandbox: OpenTableApi) -> None:
    request = SandboxRequest("POST", LIST_PATH, {"rid": str(RID)}, {"authorization": "Bearer key"})
    assert sandbox.handle(request).status == 405


def test_a_single_get_answers_the_bare_object(
    sandbox_client: SandboxClient, reservation: SandboxReservation
) -> None:
    row = sandbox_client.payload(f"{LIST_PATH}/{RID}-{reservation.key}")
    assert row["id"] == f"{RID}-{reservation.key}"


def test_a_single_get_can_answer_an_envelope(
    sandbox_client: SandboxClient, reservation: SandboxReservation
) -> None:
    sandbox_client.sandbox.choices.single_get = "envelope"
    assert "items" in sandbox_client.payload(f"{LIST_PATH}/{RID}-{reservation.key}")


def test_every_answer_has_an_id_of_its_own(sandbox_client: SandboxClient) -> None:
    ids = {sandbox_client.listing().headers["OT-RequestId"] for _ in range(3)}
    assert len(ids) == 3


def test_an_answer_is_gzip_when_accepted(sandbox: OpenTableApi) -> None:
    headers = {"authorization": "Bearer key", "accept-encoding": "gzip, deflate"}
    response = sandbox.handle(SandboxRequest("GET", LIST_PATH, {"rid": str(RID)}, headers))
    assert response.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(response.body))["items"] == []


def test_requests_are_counted_by_route(
    sandbox: OpenTableApi, sandbox_client: SandboxClient
) -> None:
    token(sandbox)
    sandbox_client.listing()
    sandbox_client.get(f"{LIST_PATH}/{RID}-1")
    sandbox_client.get(f"{LIST_PATH}/{RID}-2")
    assert sandbox.request_counts == {"token": 1, "reservations": 1, "reservation": 2}


def test_the_eleventh_call_of_a_second_gets_429(sandbox_client: SandboxClient) -> None:
    sandbox_client.sandbox.faults.rate_limit = RateLimit()
    statuses = [sandbox_client.listing().status for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_a_second_later_calls_are_admitted_again(
    sandbox_client: SandboxClient, clock: ManualClock
) -> None:
    sandbox_client.sandbox.faults.rate_limit = RateLimit(per_second=1)
    sandbox_client.listing()
    clock.advance(1)
    assert sandbox_client.listing().status == 200


@pytest.mark.parametrize(
    "form,value",
    [("none", None), ("seconds", "1"), ("date", "Sat, 14 Mar 2026 15:00:02 GMT")],
)
def test_retry_after_has_three_forms(
    form: Any, value: str | None, sandbox_client: SandboxClient
) -> None:
    sandbox_client.sandbox.faults.rate_limit = RateLimit(per_second=0, retry_after=form)
    assert sandbox_client.listing().headers.get("Retry-After") == value
