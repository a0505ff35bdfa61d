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

from shared.core.structs import Unshown
from shared.edge.opentable.body import UnreadableBodyError, parse_object, read_body
from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.failures import PassingFailureError, raise_for_status, unreadable

T = TypeVar("T")

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
CALL_SECONDS = 30.0


class Call(Unshown, Generic[T], frozen=True):
    """A request, and how to read its answer.

    Attributes:
        method: ``GET`` or ``POST``.
        url: The whole URL, built by `shared.edge.opentable.address`.
        authorization: The header's value; never shown.
        read: Turns the answer's JSON object into what the caller wants, or raises
            `UnreadableBodyError`.
    """

    method: str
    url: str
    authorization: str
    read: Callable[[dict[str, object]], T]


class _Session(requests.Session):
    """A session for which no answer is a redirect.

    ``allow_redirects=False`` alone would still parse the target and read the whole body.
    """

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def new_session(connections: int) -> requests.Session:
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
        session: The process's one session, from `new_session`.
        executor: Bounds how many calls are under way at once.
    """

    def __init__(self, session: requests.Session, executor: Executor) -> None:
        self._session = session
        self._executor = executor

    async def perform(self, call: Call[T], deadline: Deadline) -> T:
        """Make one attempt at a call.

        Raises:
            PassingFailureError: When another attempt may fare better.
            OpenTableRefusedError: When it would not.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._perform, call, deadline)

    def _perform(self, call: Call[T], deadline: Deadline) -> T:
        bounded = deadline.within(CALL_SECONDS)
        try:
            with self._opened(call, bounded.remaining()) as answer:
                raise_for_status(answer.status_code, answer.headers, deadline.clock.now())
                return _read(answer, call, bounded)
        except (requests.RequestException, HTTPError, OSError) as error:
            # Their texts and causes may quote headers: only the kind is told.
            what = f"The call to OpenTable failed ({type(error).__name__})"
            raise PassingFailureError(what) from None

    def _opened(self, call: Call[T], seconds: float) -> requests.Response:
        if not seconds:
            raise PassingFailureError("No time was left to call OpenTable")
        return self._session.request(
            call.method,
            call.url,
            headers={"Authorization": call.authorization},
            timeout=(min(CONNECT_SECONDS, seconds), min(READ_SECONDS, seconds)),
            stream=True,
        )


def _read(answer: requests.Response, call: Call[T], deadline: Deadline) -> T:
    try:
        body = read_body(answer.raw, answer.headers.get("Content-Encoding"), deadline)
        return call.read(parse_object(body))
    except UnreadableBodyError as error:
        raise unreadable(str(error), answer.headers) from None
