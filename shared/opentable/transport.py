"""One HTTP call to OpenTable in a worker thread, bounded in time and size."""

import asyncio
import json
import math
import zlib
from collections.abc import Callable
from concurrent.futures import Executor
from gzip import GzipFile
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import TypeVar

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3.exceptions import HTTPError

from shared.concurrency import Deadline
from shared.domain.http_messages import (
    MAX_NESTING_DEPTH,
    is_nested_deeper,
    list_content_codings,
    reject_constant,
    truncate_nesting,
)
from shared.opentable.retry import RetryableError, build_unreadable_body_error, raise_for_status

OPENTABLE_CONNECT_TIMEOUT_SECONDS = 5.0
OPENTABLE_READ_TIMEOUT_SECONDS = 10.0
OPENTABLE_CALL_TIMEOUT_SECONDS = 30.0
MAX_RESPONSE_BODY_BYTES = 32 * 1024 * 1024  # applies before and after decompression
_READ_BYTES = 64 * 1024
_MAX_INTEGER_LENGTH = 1_000  # Python converts up to 4,300 digits

T = TypeVar("T")
ParseBody = Callable[[dict[str, object]], T]


class UnreadableBodyError(ValueError):
    """A body is unusable; the message continues the sentence "OpenTable's answer …"."""


class _Session(requests.Session):
    """A session without redirects.

    ``allow_redirects=False`` would still parse the target and read the body.
    """

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def build_session(connections: int) -> requests.Session:
    """Return a session that ignores environment, cookies and redirects.

    `connections` stay open per host; pass the number of worker threads.
    """
    session = _Session()
    # Proxies and .netrc of the environment must not see or replace a restaurant's credential.
    session.trust_env = False
    # A cookie of one restaurant's call must not be sent with another's.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip"})
    adapter = HTTPAdapter(pool_maxsize=connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class Transport:
    """Sends requests in the executor's threads; the executor limits concurrent calls."""

    def __init__(self, session: requests.Session, executor: Executor) -> None:
        self._session = session
        self._executor = executor

    async def send(
        self, method: str, url: str, authorization: str, parse: ParseBody[T], deadline: Deadline
    ) -> T:
        """Make one attempt and return the parsed body.

        `parse` gets the JSON object of the body and may raise UnreadableBodyError.

        Raises:
            RetryableError: See `raise_for_status`; another attempt may succeed.
            OpenTableRequestRejectedError: See `raise_for_status`.
        """

        def send_in_thread() -> T:
            call_deadline = deadline.within(OPENTABLE_CALL_TIMEOUT_SECONDS)
            seconds = call_deadline.remaining()
            if not seconds:
                raise RetryableError("No time was left to call OpenTable")
            timeout = (
                min(OPENTABLE_CONNECT_TIMEOUT_SECONDS, seconds),
                min(OPENTABLE_READ_TIMEOUT_SECONDS, seconds),
            )
            headers = {"Authorization": authorization}
            try:
                with self._session.request(
                    method, url, headers=headers, timeout=timeout, stream=True
                ) as response:
                    raise_for_status(response.status_code, response.headers, deadline.clock.now())
                    try:
                        body = read_response_body(response, call_deadline)
                        return parse(parse_response_object(body))
                    except UnreadableBodyError as error:
                        raise build_unreadable_body_error(str(error), response.headers) from None
            except (requests.RequestException, HTTPError, OSError) as error:
                # The error's text and cause may quote headers: name its class only.
                problem = f"The call to OpenTable failed ({type(error).__name__})"
                raise RetryableError(problem) from None

        return await asyncio.get_running_loop().run_in_executor(self._executor, send_in_thread)


def read_response_body(response: requests.Response, deadline: Deadline) -> bytes:
    """Read and decompress the body of a streamed response.

    Raises:
        UnreadableBodyError: The body is too large, too late, truncated or not in the requested
            encoding.
    """
    # `requests` joins several header lines with commas.
    codings = list_content_codings([response.headers.get("Content-Encoding", "")])
    if any(coding != "gzip" for coding in codings):
        raise UnreadableBodyError("has an encoding that was not requested")
    received = bytearray()
    # `iter_content` and urllib3's decoder block until a chunk is complete. A server that sends a
    # byte every few seconds would defeat both the read timeout and the deadline. `read1` returns
    # after one read of the socket.
    while chunk := response.raw.read1(_READ_BYTES, decode_content=False):
        if not deadline.remaining():
            raise UnreadableBodyError("did not arrive in time")
        received += chunk
        _check_size(received)
    body: bytes | bytearray = received
    for _ in codings:
        if not deadline.remaining():
            raise UnreadableBodyError("could not be decompressed in time")
        body = _decompress_gzip(body)
    return bytes(body)


def _decompress_gzip(compressed: bytes | bytearray) -> bytes:
    """Return the joined contents of all members (RFC 1952, section 2.2)."""
    try:
        # The limit stops a small body that decompresses to gigabytes.
        body = GzipFile(fileobj=BytesIO(compressed)).read(MAX_RESPONSE_BODY_BYTES + 1)
    except EOFError:
        raise UnreadableBodyError("ends in the middle") from None
    except (OSError, zlib.error):
        raise UnreadableBodyError("is not valid gzip") from None
    _check_size(body)
    return body


def _check_size(body: bytes | bytearray) -> None:
    if len(body) > MAX_RESPONSE_BODY_BYTES:
        raise UnreadableBodyError(f"is larger than {MAX_RESPONSE_BODY_BYTES} bytes")


def parse_response_object(body: bytes) -> dict[str, object]:
    """Parse a body as a strict JSON object (no NaN).

    Levels deeper than `MAX_NESTING_DEPTH` are removed, and numbers too large for Python stay text:
    no documented field has such a value, and one such row must not fail its page.
    """
    try:
        value = json.loads(
            body,
            parse_constant=reject_constant,
            parse_int=lambda digits: int(digits) if len(digits) <= _MAX_INTEGER_LENGTH else digits,
            parse_float=_parse_float,
        )
    except (ValueError, RecursionError):
        raise UnreadableBodyError("is not JSON") from None
    if not isinstance(value, dict):
        raise UnreadableBodyError("is not a JSON object")
    return (
        truncate_nesting(value, MAX_NESTING_DEPTH)
        if is_nested_deeper(value, MAX_NESTING_DEPTH)
        else value
    )


def _parse_float(text: str) -> float | str:
    number = float(text)
    # JSON has no infinity: in the quarantine, the row could not be replayed.
    return number if math.isfinite(number) else text
