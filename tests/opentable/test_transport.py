import gzip
import threading
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
from urllib3 import HTTPResponse
from urllib3.exceptions import ReadTimeoutError

from shared.concurrency import SYSTEM_CLOCK, Deadline
from shared.errors import OpenTableRequestRejectedError, OpenTableUnavailableError
from shared.opentable.client import OpenTableClient
from shared.opentable.query import OpenTableAccess
from shared.opentable.transport import (
    MAX_RESPONSE_BODY_BYTES,
    OPENTABLE_CONNECT_TIMEOUT_SECONDS,
    OPENTABLE_READ_TIMEOUT_SECONDS,
    OpenTableRequest,
    UnreadableBodyError,
    build_session,
    parse_response_object,
    read_response_body,
)
from tests.support.opentable import (
    FakeMonotonicClock,
    ScriptedAdapter,
    ScriptedResponse,
    SlowBody,
    gzip_response,
)

ROW = ScriptedResponse({"id": "555001-a"})


def test_a_call_does_not_show_its_authorization() -> None:
    call = OpenTableRequest(
        "GET", "https://platform.example/sync", "Bearer hush", lambda body: body
    )
    assert "hush" not in repr(call)


async def test_json_and_gzip_are_requested(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [gzip_response({"id": "555001-a"})]
    assert await client.fetch_reservation(access, "a", deadline) == {"id": "555001-a"}
    assert scripted_adapter.requests[1].headers["Accept"] == "application/json"
    assert scripted_adapter.requests[1].headers["Accept-Encoding"] == "gzip"


async def test_every_call_has_both_time_outs(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ROW]
    await client.fetch_reservation(access, "a", deadline)
    assert (
        scripted_adapter.timeouts
        == [(OPENTABLE_CONNECT_TIMEOUT_SECONDS, OPENTABLE_READ_TIMEOUT_SECONDS)] * 2
    )


async def test_a_short_deadline_shortens_the_time_outs(
    client: OpenTableClient,
    access: OpenTableAccess,
    fake_clock: FakeMonotonicClock,
    scripted_adapter: ScriptedAdapter,
) -> None:
    scripted_adapter.steps = [ROW]
    await client.fetch_reservation(access, "a", Deadline.after(1.5, fake_clock.clock))
    assert scripted_adapter.timeouts == [(1.5, 1.5)] * 2


async def test_no_call_is_made_once_the_deadline_has_passed(
    client: OpenTableClient,
    access: OpenTableAccess,
    fake_clock: FakeMonotonicClock,
    scripted_adapter: ScriptedAdapter,
) -> None:
    with pytest.raises(OpenTableUnavailableError):
        await client.fetch_reservation(access, "a", Deadline.after(0, fake_clock.clock))
    assert not scripted_adapter.requests


async def test_a_slow_body_ends_at_the_call_deadline(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    fake_clock: FakeMonotonicClock,
    scripted_adapter: ScriptedAdapter,
) -> None:
    drip = SlowBody(fake_clock, seconds=9)
    scripted_adapter.steps = [ScriptedResponse(raw=drip), ROW]
    assert await client.fetch_reservation(access, "a", deadline)
    assert drip.reads == 4


async def test_a_caller_does_not_wait_for_a_thread_that_hangs(
    session: requests.Session, scripted_adapter: ScriptedAdapter, access: OpenTableAccess
) -> None:
    freed = threading.Event()

    def hang() -> ScriptedResponse:
        freed.wait()
        return ROW

    scripted_adapter.steps = [hang]
    with ThreadPoolExecutor(1) as executor:
        client = OpenTableClient("https://api.example", "https://oauth.example", session, executor)
        with pytest.raises(OpenTableUnavailableError, match="in time"):
            await client.fetch_reservation(access, "a", Deadline.after(0.05, SYSTEM_CLOCK))
        freed.set()


@pytest.mark.parametrize(
    "failure",
    [
        requests.ConnectTimeout(),
        requests.ReadTimeout(),
        requests.ConnectionError(),
        requests.exceptions.ChunkedEncodingError(),
        ReadTimeoutError(None, "/", "slow"),  # type: ignore[arg-type]  # urllib3's own, no pool
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
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
    failure: ScriptedResponse | Exception,
) -> None:
    scripted_adapter.steps = [failure, failure, failure, failure, ROW]
    assert await client.fetch_reservation(access, "a", deadline)


@pytest.mark.parametrize("status", [403, 405, 422])
async def test_another_4xx_is_never_tried_again(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
    status: int,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=status)]
    with pytest.raises(OpenTableRequestRejectedError):
        await client.fetch_reservation(access, "a", deadline)
    assert len(scripted_adapter.requests_to("/sync/")) == 1


@pytest.mark.parametrize("target", ["https://evil.example/", "/elsewhere", "https://[evil"])
async def test_a_redirect_is_not_followed(
    client: OpenTableClient,
    access: OpenTableAccess,
    deadline: Deadline,
    scripted_adapter: ScriptedAdapter,
    target: str,
) -> None:
    scripted_adapter.steps = [ScriptedResponse(status=302, headers={"Location": target})]
    with pytest.raises(OpenTableRequestRejectedError, match="redirects"):
        await client.fetch_reservation(access, "a", deadline)
    assert len(scripted_adapter.requests_to("/sync/")) == 1
    assert len(scripted_adapter.requests) == 2


def test_the_environment_and_netrc_are_not_trusted() -> None:
    assert build_session(1).trust_env is False


def test_no_cookie_is_stored() -> None:
    session = build_session(1)
    request = session.prepare_request(requests.Request("GET", "https://api.example/"))
    headers = parse_headers(BytesIO(b"Set-Cookie: OT-SessionID=abc\r\n\r\n"))
    answer = SimpleNamespace(_original_response=SimpleNamespace(msg=headers))
    extract_cookies_to_jar(session.cookies, request, answer)  # type: ignore[no-untyped-call]
    assert not list(session.cookies)


def arriving(body: bytes) -> HTTPResponse:
    return HTTPResponse(BytesIO(body), preload_content=False)


def test_a_plain_body_is_read_whole(deadline: Deadline) -> None:
    assert read_response_body(arriving(b"x" * 200_000), None, deadline) == b"x" * 200_000


def test_gzip_is_unpacked(deadline: Deadline) -> None:
    body = bytes(range(256)) * 2_000
    assert read_response_body(arriving(gzip.compress(body)), "gzip", deadline) == body


def test_a_cut_gzip_body_is_unreadable(deadline: Deadline) -> None:
    with pytest.raises(UnreadableBodyError, match="middle"):
        read_response_body(arriving(gzip.compress(b"{}" * 500)[:-12]), "gzip", deadline)


def test_a_body_that_is_no_gzip_is_unreadable(deadline: Deadline) -> None:
    with pytest.raises(UnreadableBodyError, match="gzip"):
        read_response_body(arriving(b"<html>"), "gzip", deadline)


def test_an_unrequested_encoding_is_unreadable(deadline: Deadline) -> None:
    with pytest.raises(UnreadableBodyError, match="not asked for"):
        read_response_body(arriving(zlib.compress(b"{}")), "deflate", deadline)


def test_a_small_response_cannot_decompress_above_the_limit(deadline: Deadline) -> None:
    bomb = gzip.compress(bytes(MAX_RESPONSE_BODY_BYTES + 1))
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableBodyError, match="larger"):
        read_response_body(arriving(bomb), "gzip", deadline)


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_drip_ends_at_the_deadline(fake_clock: FakeMonotonicClock, encoding: str | None) -> None:
    drip = SlowBody(fake_clock, seconds=1)
    with pytest.raises(UnreadableBodyError):
        read_response_body(drip, encoding, Deadline.after(5, fake_clock.clock))
    assert drip.reads <= 5


@pytest.mark.parametrize(
    "body",
    [b"", b'{"a": 1', b"<html></html>", b"\xff", b'{"a": NaN}', b"[" * 100_000, b"9" * 5_000],
)
def test_what_is_not_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError, match="not JSON"):
        parse_response_object(body)


def test_json_that_is_no_object_is_unreadable() -> None:
    with pytest.raises(UnreadableBodyError, match="object"):
        parse_response_object(b"[]")


@given(st.binary())
def test_any_bytes_are_an_object_or_unreadable(body: bytes) -> None:
    with suppress(UnreadableBodyError):
        assert isinstance(parse_response_object(body), dict)
