"""One call over HTTP, made in a worker thread and bounded in time and size."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from http.cookiejar import DefaultCookiePolicy
from typing import Generic, TypeVar

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.exceptions import HTTPError

from shared.core.structs import RedactedStruct
from shared.edge.opentable.body import (
    UnreadableBodyError,
    parse_response_object,
    read_response_body,
)
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.failures import (
    RetryableError,
    build_unreadable_body_error,
    raise_for_status,
)

T = TypeVar("T")

OPENTABLE_CONNECT_TIMEOUT_SECONDS = 5.0
OPENTABLE_READ_TIMEOUT_SECONDS = 10.0
OPENTABLE_CALL_TIMEOUT_SECONDS = 30.0


class OpenTableRequest(RedactedStruct, Generic[T], frozen=True):
    """A request, and how to read its answer.

    Attributes:
        method: ``GET`` or ``POST``.
        url: The whole URL, built by `shared.edge.opentable.address`.
        authorization: The header's value; never shown.
        parse: Turns the answer's JSON object into what the caller wants, or raises
            `UnreadableBodyError`.
    """

    method: str
    url: str
    authorization: str
    parse: Callable[[dict[str, object]], T]


class _Session(requests.Session):
    """A session for which no answer is a redirect.

    ``allow_redirects=False`` alone would still parse the target and read the whole body.
    """

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def build_session(connections: int) -> requests.Session:
    """Return a session that trusts nothing but what each call states.

    Args:
        connections: How many are kept open to a host: as many as there are worker threads.
    """
    session = _Session()
    session.trust_env = False
    # A cookie set for one restaurant's credential must never ride on another's call.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip"})
    session.mount("https://", HTTPAdapter(pool_maxsize=connections, max_retries=0))
    session.mount("http://", HTTPAdapter(pool_maxsize=connections, max_retries=0))
    return session


class Transport:
    """Carries calls out in worker threads.

    Args:
        session: The process's one session, from `build_session`.
        executor: Bounds how many calls are under way at once.
    """

    def __init__(self, session: requests.Session, executor: Executor) -> None:
        self._session = session
        self._executor = executor

    async def send(self, request: OpenTableRequest[T], deadline: Deadline) -> T:
        """Make one attempt at a call.

        Raises:
            PassingFailureError: When another attempt may fare better.
            OpenTableRefusedError: When it would not.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._send_in_thread, request, deadline)

    def _send_in_thread(self, request: OpenTableRequest[T], deadline: Deadline) -> T:
        call_deadline = deadline.within(OPENTABLE_CALL_TIMEOUT_SECONDS)
        try:
            with self._open_response(request, call_deadline.remaining()) as response:
                raise_for_status(response.status_code, response.headers, deadline.clock.now())
                return _read_response(response, request, call_deadline)
        except (requests.RequestException, HTTPError, OSError) as error:
            # Their texts and causes may quote headers: only the kind is told.
            problem = f"The call to OpenTable failed ({type(error).__name__})"
            raise RetryableError(problem) from None

    def _open_response(self, request: OpenTableRequest[T], seconds: float) -> requests.Response:
        if not seconds:
            raise RetryableError("No time was left to call OpenTable")
        return self._session.request(
            request.method,
            request.url,
            headers={"Authorization": request.authorization},
            timeout=(
                min(OPENTABLE_CONNECT_TIMEOUT_SECONDS, seconds),
                min(OPENTABLE_READ_TIMEOUT_SECONDS, seconds),
            ),
            stream=True,
        )


def _read_response(
    response: requests.Response, request: OpenTableRequest[T], deadline: Deadline
) -> T:
    try:
        body = read_response_body(response.raw, response.headers.get("Content-Encoding"), deadline)
        return request.parse(parse_response_object(body))
    except UnreadableBodyError as error:
        raise build_unreadable_body_error(str(error), response.headers) from None
