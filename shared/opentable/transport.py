"""Calls to OpenTable in worker threads, bounded in time and size, and their retries."""

import asyncio
import json
import math
import re
import zlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from gzip import GzipFile
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import TypeVar

import requests
import stamina
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
from shared.errors import OpenTableRequestRejectedError, OpenTableUnavailableError

OPENTABLE_CONNECT_TIMEOUT_SECONDS = 5.0
OPENTABLE_READ_TIMEOUT_SECONDS = 10.0
OPENTABLE_CALL_TIMEOUT_SECONDS = 30.0
MAX_RESPONSE_BODY_BYTES = 32 * 1024 * 1024  # applies before and after decompression
_READ_BYTES = 64 * 1024
_MAX_INTEGER_LENGTH = 1_000  # Python converts up to 4,300 digits
MAX_CALL_ATTEMPTS = 6
MAX_RETRY_AFTER_SECONDS = 86_400.0

T = TypeVar("T")
ParseBody = Callable[[dict[str, object]], T]

_REQUEST_ID_PATTERN = re.compile(r"[0-9A-Za-z-]{1,64}")
_SECONDS_PATTERN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_ADVICE_BY_STATUS = {
    400: "the request is malformed; check the restaurant's rid",
    401: "the credential was rejected; store a valid one in the restaurant's secret",
    403: "the credential has no access to this restaurant; ask OpenTable to connect its rid",
    404: "nothing exists at this address; check the rid and the OpenTable URLs",
}

# stamina logs each retry by default; the bundle logs through shared.log only.
stamina.instrumentation.set_on_retry_hooks([])
_retry_caller = stamina.AsyncRetryingCaller(
    attempts=MAX_CALL_ATTEMPTS,
    timeout=None,  # the caller's deadline includes the pauses
    wait_initial=0.25,
    wait_max=8.0,
    wait_jitter=0.5,
)


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
            # JSON has no infinity: in the quarantine, the row could not be replayed.
            parse_float=lambda text: number if math.isfinite(number := float(text)) else text,
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


class RetryableError(OpenTableUnavailableError):
    """A failure of one attempt; another attempt may succeed.

    ``retry_after`` is the pause in seconds that OpenTable requested, if any. ``problem`` must
    quote neither bodies nor tokens.
    """

    def __init__(self, problem: str, retry_after: float | None = None) -> None:
        super().__init__(f"{problem}. Nothing was lost; the next run tries again.")
        self.retry_after = retry_after


async def call_with_retries(attempt: Callable[[], Awaitable[T]], deadline: Deadline) -> T:
    """Await an attempt up to `MAX_CALL_ATTEMPTS` times, as long as it raises `RetryableError`.

    Raises:
        OpenTableUnavailableError: Attempts or time ran out, or OpenTable requests a longer pause
            than the deadline allows.
    """
    last_error: RetryableError | None = None

    def should_retry(error: Exception) -> bool | float:
        nonlocal last_error
        if not isinstance(error, RetryableError):
            return False
        last_error = error
        seconds_left = deadline.remaining()
        # A float replaces stamina's own backoff by that pause.
        if error.retry_after:
            return error.retry_after if error.retry_after < seconds_left else False
        return seconds_left > 0

    try:
        # Also ends an attempt that waits for a free worker thread.
        async with asyncio.timeout(deadline.remaining()):
            return await _retry_caller(should_retry, attempt)
    except TimeoutError:
        cause = f" Last failure: {last_error}" if last_error else ""
        raise OpenTableUnavailableError(
            f"OpenTable gave no usable answer in time; the next run tries again.{cause}"
        ) from None


def raise_for_status(status: int, headers: Mapping[str, str], now: datetime) -> None:
    """Raise for any status except 200.

    429, 5xx and a success without a body raise RetryableError. Anything else raises
    OpenTableRequestRejectedError: redirects are not followed, and a 4xx would repeat. `now` is
    aware; `headers` ignores case.
    """
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        retry_after = parse_retry_after(headers.get("Retry-After"), headers.get("Date"), now)
        problem = f"OpenTable answered {status} ({_format_request_id(headers)})"
        raise RetryableError(problem, retry_after)
    if status < HTTPStatus.MULTIPLE_CHOICES:
        raise build_unreadable_body_error(f"has status {status} instead of 200", headers)
    if status < HTTPStatus.BAD_REQUEST:
        advice = "redirects are not followed; check the OpenTable URLs"
    else:
        advice = _ADVICE_BY_STATUS.get(status, "send the request id to OpenTable's support")
    raise OpenTableRequestRejectedError(status, f"{advice} ({_format_request_id(headers)})")


def build_unreadable_body_error(problem: str, headers: Mapping[str, str]) -> RetryableError:
    """Return the error for an unusable body; `problem` must not quote the body."""
    return RetryableError(f"OpenTable's answer {problem} ({_format_request_id(headers)})")


def _format_request_id(headers: Mapping[str, str]) -> str:
    # Checked against a pattern: the text reaches the log, and the header could forge log lines.
    request_id = headers.get("OT-RequestId") or ""
    is_valid = _REQUEST_ID_PATTERN.fullmatch(request_id)
    return f"OT-RequestId {request_id if is_valid else 'not given'}"


def parse_retry_after(
    retry_after: str | None, date_header: str | None, now: datetime
) -> float | None:
    """Return the pause in seconds that a ``Retry-After`` header requests, None if unusable.

    The value is a number of seconds or an HTTP date (RFC 9110, section 10.2.3) and is limited to
    0 to `MAX_RETRY_AFTER_SECONDS`. A date is compared with the ``Date`` header of the same
    response, or with our own time `now` (aware), so that a wrong server clock does no harm.
    """
    text = (retry_after or "").strip()
    if _SECONDS_PATTERN.fullmatch(text):
        seconds = float(text)
    else:
        until = _parse_http_date(text)
        if until is None:
            return None
        seconds = (until - (_parse_http_date(date_header or "") or now)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _parse_http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
        # "-0000" parses as a naive time, but HTTP dates are always UTC.
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
