import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import parse_headers
from io import BytesIO
from types import SimpleNamespace

import pytest
import requests
from requests.cookies import extract_cookies_to_jar
from urllib3.exceptions import ReadTimeoutError

from shared.edge.opentable.access import OpenTableAccess
from shared.edge.opentable.client import OpenTableClient
from shared.edge.opentable.clock import SYSTEM_CLOCK, Deadline
from shared.edge.opentable.transport import (
    OPENTABLE_CONNECT_TIMEOUT_SECONDS,
    OPENTABLE_READ_TIMEOUT_SECONDS,
    OpenTableRequest,
    build_session,
)
from shared.errors import OpenTableRequestRejectedError, OpenTableUnavailableError
from tests.edge.opentable.scripted import (
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
