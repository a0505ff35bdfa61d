"""Reading an answer's body within bounds of size and time, and as JSON.

One call over HTTP, made in a worker thread and bounded in time and size.
"""

import asyncio
import json
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from http.cookiejar import DefaultCookiePolicy
from typing import Generic, NoReturn, Protocol, TypeVar

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.exceptions import HTTPError

from shared.concurrency import Deadline
from shared.domain.normalization.strict_json import (
    MAX_NESTING_DEPTH,
    is_nested_deeper,
    truncate_nesting,
)
from shared.domain.webhook_auth.credentials import RedactedStruct
from shared.opentable.retry import (
    RetryableError,
    build_unreadable_body_error,
    raise_for_status,
)

MAX_RESPONSE_BODY_BYTES = 32 * 1024 * 1024


"""The largest body taken, after decompression."""


_CHUNK_BYTES = 64 * 1024
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


class UnreadableBodyError(ValueError):
    """A body is not what it should be; the text continues "OpenTable's answer …"."""


class BodyStream(Protocol):
    """What a body is read from; urllib3's responses are such."""

    def read1(self, amt: int, /, *, decode_content: bool) -> bytes | None:
        """Return up to ``amt`` bytes after one read of the socket at most."""


def read_response_body(stream: BodyStream, encoding: str | None, deadline: Deadline) -> bytes:
    """Return a whole body, decompressed.

    Args:
        stream: The open answer.
        encoding: Its ``Content-Encoding``.
        deadline: When to give up, however steadily bytes drip in.

    Raises:
        UnreadableBodyError: When the body is too large, too late, cut or wrongly encoded.
    """
    chunks = _read_chunks(stream, deadline)
    if (encoding or "identity").lower() == "gzip":
        chunks = _decompress_chunks(chunks)
    elif encoding:
        raise UnreadableBodyError("is encoded in a way that was not asked for")
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_RESPONSE_BODY_BYTES:
            raise UnreadableBodyError(f"is larger than {MAX_RESPONSE_BODY_BYTES} bytes")
    return bytes(body)


def parse_response_object(body: bytes) -> dict[str, object]:
    """Return the JSON object that a body holds.

    What is nested deeper than any field that is known, and too deep to be written as JSON again,
    is left out: one such row must not stop the others.

    Raises:
        UnreadableBodyError: When it holds anything else (HTML, half an object, a list, NaN).
    """
    try:
        value = json.loads(body, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise UnreadableBodyError("is not JSON") from None
    if not isinstance(value, dict):
        raise UnreadableBodyError("is not a JSON object")
    return (
        truncate_nesting(value, MAX_NESTING_DEPTH)
        if is_nested_deeper(value, MAX_NESTING_DEPTH)
        else value
    )


def _read_chunks(stream: BodyStream, deadline: Deadline) -> Iterator[bytes]:
    # read1, as read() would wait for a full chunk, and urllib3's own decoding for a full block:
    # neither comes back in time to look at the clock when bytes drip in.
    while chunk := stream.read1(_CHUNK_BYTES, decode_content=False):
        if not deadline.remaining():
            raise UnreadableBodyError("did not arrive in time")
        yield chunk


def _decompress_chunks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = zlib.decompressobj(_GZIP_WINDOW_BITS)
    try:
        for chunk in chunks:
            yield decoder.decompress(chunk, _CHUNK_BYTES)
            while decoder.unconsumed_tail:
                yield decoder.decompress(decoder.unconsumed_tail, _CHUNK_BYTES)
    except zlib.error:
        raise UnreadableBodyError("is not the gzip that it says it is") from None
    if not decoder.eof:
        raise UnreadableBodyError("ends in the middle")


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


T = TypeVar("T")
OPENTABLE_CONNECT_TIMEOUT_SECONDS = 5.0
OPENTABLE_READ_TIMEOUT_SECONDS = 10.0
OPENTABLE_CALL_TIMEOUT_SECONDS = 30.0


class OpenTableRequest(RedactedStruct, Generic[T], frozen=True):
    """A request, and how to read its answer.

    Attributes:
        method: ``GET`` or ``POST``.
        url: The whole URL, built by `shared.config`.
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
