import gzip
import json
import threading
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import parse_headers
from io import BytesIO
from types import SimpleNamespace

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.cookies import extract_cookies_to_jar
from urllib3.exceptions import ReadTimeoutError

from shared.concurrency import SYSTEM_CLOCK, Deadline
from shared.errors import OpenTableRequestRejectedError, OpenTableUnavailableError
from shared.opentable.client import OpenTableClient
from shared.opentable.query import Resource
from shared.opentable.transport import (
    MAX_RESPONSE_BODY_BYTES,
    OPENTABLE_CONNECT_TIMEOUT_SECONDS,
    OPENTABLE_READ_TIMEOUT_SECONDS,
    UnreadableBodyError,
    build_session,
    parse_response_object,
    read_response_body,
)
from tests.opentable.conftest import ACCESS, ROW, ScriptedOpenTable
from tests.support.opentable import FakeMonotonicClock, ScriptedResponse, SlowBody, gzip_response


async def test_json_and_gzip_are_requested(opentable: ScriptedOpenTable) -> None:
    opentable.adapter.steps = [gzip_response({"id": "555001-a"})]
    assert await opentable.fetch_row() == {"id": "555001-a"}
    assert opentable.adapter.requests[1].headers["Accept"] == "application/json"
    assert opentable.adapter.requests[1].headers["Accept-Encoding"] == "gzip"


async def test_every_call_has_both_timeouts(opentable: ScriptedOpenTable) -> None:
    await opentable.fetch_row()
    assert (
        opentable.adapter.timeouts
        == [(OPENTABLE_CONNECT_TIMEOUT_SECONDS, OPENTABLE_READ_TIMEOUT_SECONDS)] * 2
    )


async def test_a_short_deadline_shortens_the_timeouts(opentable: ScriptedOpenTable) -> None:
    await opentable.fetch_row(seconds=1.5)
    assert opentable.adapter.timeouts == [(1.5, 1.5)] * 2


async def test_no_call_is_made_once_the_deadline_has_passed(opentable: ScriptedOpenTable) -> None:
    with pytest.raises(OpenTableUnavailableError):
        await opentable.fetch_row(seconds=0)
    assert not opentable.adapter.requests


async def test_a_slow_body_ends_at_the_call_deadline(opentable: ScriptedOpenTable) -> None:
    drip = SlowBody(opentable.clock, seconds=9)
    opentable.adapter.steps = [ScriptedResponse(raw=drip), ROW]
    assert await opentable.fetch_row()
    assert drip.reads == 4


async def test_a_caller_does_not_wait_for_a_thread_that_hangs(opentable: ScriptedOpenTable) -> None:
    released = threading.Event()

    def hang() -> ScriptedResponse:
        released.wait()
        return ROW

    opentable.adapter.steps = [hang]
    with ThreadPoolExecutor(1) as executor:
        client = OpenTableClient(
            "https://api.example", "https://oauth.example", opentable.session, executor
        )
        with pytest.raises(OpenTableUnavailableError, match="in time"):
            await client.fetch_row(
                ACCESS, Resource.RESERVATIONS, "a", Deadline.after(0.05, SYSTEM_CLOCK)
            )
        released.set()


@pytest.mark.parametrize(
    "failure",
    [
        requests.ConnectTimeout(),
        requests.ReadTimeout(),
        requests.ConnectionError(),
        requests.exceptions.ChunkedEncodingError(),
        ReadTimeoutError(None, "/", "slow"),  # type: ignore[arg-type]  # there is no pool
        OSError(),
        ScriptedResponse(status=429),
        ScriptedResponse(status=500),
        ScriptedResponse(status=502),
        ScriptedResponse(status=503, headers={"Retry-After": "2"}),
        ScriptedResponse(b'{"id": "555001-'),
        ScriptedResponse(b"<html>maintenance</html>"),
        ScriptedResponse([]),
        ScriptedResponse({"error": "odd"}),
        ScriptedResponse(status=204),
    ],
)
async def test_transient_responses_are_retried(
    opentable: ScriptedOpenTable, failure: ScriptedResponse | Exception
) -> None:
    opentable.adapter.steps = [failure, failure, failure, failure, ROW]
    assert await opentable.fetch_row()


@pytest.mark.parametrize("status", [403, 405, 422])
async def test_another_4xx_is_never_retried(opentable: ScriptedOpenTable, status: int) -> None:
    opentable.adapter.steps = [ScriptedResponse(status=status)]
    with pytest.raises(OpenTableRequestRejectedError):
        await opentable.fetch_row()
    assert len(opentable.adapter.requests_to("/sync/")) == 1


@pytest.mark.parametrize("target", ["https://evil.example/", "/elsewhere", "https://[evil"])
async def test_a_redirect_is_not_followed(opentable: ScriptedOpenTable, target: str) -> None:
    opentable.adapter.steps = [ScriptedResponse(status=302, headers={"Location": target})]
    with pytest.raises(OpenTableRequestRejectedError, match="redirects"):
        await opentable.fetch_row()
    assert len(opentable.adapter.requests_to("/sync/")) == 1
    assert len(opentable.adapter.requests) == 2


def test_the_environment_and_netrc_are_not_trusted() -> None:
    assert build_session(1).trust_env is False


def test_no_cookie_is_stored() -> None:
    session = build_session(1)
    request = session.prepare_request(requests.Request("GET", "https://api.example/"))
    headers = parse_headers(BytesIO(b"Set-Cookie: OT-SessionID=abc\r\n\r\n"))
    response = SimpleNamespace(_original_response=SimpleNamespace(msg=headers))
    extract_cookies_to_jar(session.cookies, request, response)  # type: ignore[no-untyped-call]
    assert not list(session.cookies)


def scripted_response(body: bytes, encoding: str | None = None) -> requests.Response:
    headers = {} if encoding is None else {"Content-Encoding": encoding}
    return ScriptedResponse(body, headers=headers).response()


def test_a_plain_body_is_read_completely(deadline: Deadline) -> None:
    assert read_response_body(scripted_response(b"x" * 200_000), deadline) == b"x" * 200_000


def test_gzip_is_decompressed(deadline: Deadline) -> None:
    body = bytes(range(256)) * 2_000
    assert read_response_body(scripted_response(gzip.compress(body), "gzip"), deadline) == body


@pytest.mark.parametrize("encoding", ["identity", "", " Identity\t", "identity, IDENTITY", ",,"])
def test_a_coding_that_means_none_is_read(deadline: Deadline, encoding: str) -> None:
    assert read_response_body(scripted_response(b"{}", encoding), deadline) == b"{}"


@pytest.mark.parametrize(
    "encoding", ["GZIP", "x-gzip", " X-Gzip ", "identity, gzip", "gzip,identity", ", gzip ,"]
)
def test_each_spelling_of_gzip_is_decompressed(deadline: Deadline, encoding: str) -> None:
    assert read_response_body(scripted_response(gzip.compress(b"{}"), encoding), deadline) == b"{}"


def test_codings_are_undone_in_reverse_order(deadline: Deadline) -> None:
    twice = gzip.compress(gzip.compress(b"{}"))
    assert read_response_body(scripted_response(twice, "gzip, x-gzip"), deadline) == b"{}"


@given(st.lists(st.binary(), min_size=1))
def test_the_members_of_a_gzip_body_are_joined(members: list[bytes]) -> None:
    body = b"".join(map(gzip.compress, members))
    response = scripted_response(body, "gzip")
    assert read_response_body(response, Deadline.after(10, SYSTEM_CLOCK)) == b"".join(members)


@pytest.mark.parametrize("coding", ["identity", "", "Identity, x-gzip"])
async def test_a_listing_and_a_token_are_read_in_any_requested_coding(
    opentable: ScriptedOpenTable, coding: str
) -> None:
    def encode(body: object) -> ScriptedResponse:
        raw = json.dumps(body).encode()
        content = gzip.compress(raw) if "gzip" in coding else raw
        return ScriptedResponse(content, headers={"Content-Encoding": coding})

    opentable.adapter.tokens = [encode({"access_token": "t", "expires_in": 60})]
    opentable.adapter.steps = [encode({"id": "555001-a"})]
    assert await opentable.fetch_row() == {"id": "555001-a"}


@pytest.mark.parametrize(
    "body, encoding, problem",
    [
        pytest.param(gzip.compress(b"{}" * 500)[:-12], "gzip", "middle", id="truncated data"),
        pytest.param(gzip.compress(b"{}" * 500)[:-4], "gzip", "middle", id="truncated checksum"),
        pytest.param(gzip.compress(b"{}" * 500)[:5], "gzip", "middle", id="truncated header"),
        pytest.param(gzip.compress(b"{}")[:-8] + bytes(8), "gzip", "gzip", id="wrong checksum"),
        pytest.param(b"<html>", "gzip", "gzip", id="not gzip"),
        pytest.param(gzip.compress(b"{}") + b"rest", "gzip", "gzip", id="text after a member"),
        pytest.param(gzip.compress(b"{}"), "gzip, br", "not requested", id="gzip and another"),
        pytest.param(gzip.compress(b"{}"), "gzip gzip", "not requested", id="not a list"),
        pytest.param(zlib.compress(b"{}"), "deflate", "not requested", id="deflate"),
        pytest.param(bytes(MAX_RESPONSE_BODY_BYTES + 1), None, "larger", id="too large"),
    ],
)
def test_a_body_with_a_fault_is_unreadable(
    deadline: Deadline, body: bytes, encoding: str | None, problem: str
) -> None:
    with pytest.raises(UnreadableBodyError, match=problem):
        read_response_body(scripted_response(body, encoding), deadline)


def test_a_small_body_cannot_decompress_above_the_limit(deadline: Deadline) -> None:
    bomb = gzip.compress(bytes(3 * MAX_RESPONSE_BODY_BYTES))
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    with pytest.raises(UnreadableBodyError, match="larger"):
        read_response_body(scripted_response(bomb, "gzip"), deadline)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 2 * MAX_RESPONSE_BODY_BYTES


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}])
def test_a_body_that_drips_ends_at_the_deadline(
    fake_clock: FakeMonotonicClock, headers: dict[str, str]
) -> None:
    drip = SlowBody(fake_clock, seconds=1)
    response = ScriptedResponse(raw=drip, headers=headers).response()
    with pytest.raises(UnreadableBodyError):
        read_response_body(response, Deadline.after(5, fake_clock.clock))
    assert drip.reads <= 5


@pytest.mark.parametrize(
    "body",
    [b"", b'{"a": 1', b"<html></html>", b"\xff", b'{"a": NaN}', b"[" * 100_000],
)
def test_a_body_other_than_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError, match="not JSON"):
        parse_response_object(body)


@pytest.mark.parametrize("body", [b"[]", b"9" * 5_000, b"null"])
def test_json_other_than_an_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError, match="object"):
        parse_response_object(body)


@pytest.mark.parametrize("number", ["9" * 5_000, "-" + "9" * 5_000, "1e400", "-1.5E+999"])
def test_a_number_too_large_for_python_stays_text(number: str) -> None:
    assert parse_response_object(f'{{"a": {number}, "b": 1.5}}'.encode()) == {"a": number, "b": 1.5}


@given(st.binary())
def test_any_bytes_are_an_object_or_unreadable(body: bytes) -> None:
    with suppress(UnreadableBodyError):
        assert isinstance(parse_response_object(body), dict)
