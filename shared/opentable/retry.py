"""How long a ``Retry-After`` header asks to wait (RFC 9110, section 10.2.3).

What a failed call means: whether to try again, and what to tell.

Trying again, for as long as it helps and no longer than the caller can wait.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import stamina

from shared.concurrency import Deadline
from shared.errors import OpenTableRequestRejectedError, OpenTableUnavailableError

MAX_RETRY_AFTER_SECONDS = 86_400.0


"""The longest wait told, in seconds: a longer one says "not today" just as well."""


_SECONDS_PATTERN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def parse_retry_after(
    retry_after: str | None, date_header: str | None, now: datetime
) -> float | None:
    """Return the seconds to wait, at most `MAX_RETRY_AFTER_SECONDS`, or None.

    Args:
        retry_after: The ``Retry-After`` header: seconds or an HTTP date. Any text is allowed; a
            negative or past time is 0.
        date_header: The answer's ``Date`` header, so that a date is read by the clock that wrote
            it.
        now: Our own time, aware, for an answer without a usable ``Date``.
    """
    text = (retry_after or "").strip()
    if _SECONDS_PATTERN.fullmatch(text):
        return _clamp_wait(float(text))
    until = _parse_http_date(text)
    if until is None:
        return None
    return _clamp_wait((until - (_parse_http_date(date_header or "") or now)).total_seconds())


def _parse_http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        # "-0000" parses as a naive time; the RFC knows no date but UTC.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _clamp_wait(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


_REQUEST_ID = re.compile(r"[0-9A-Za-z-]{1,64}")

_ADVICE = {
    400: "the request lacks or garbles something; check the restaurant's rid",
    401: "the credential was not accepted; store a valid one in the restaurant's secret",
    403: "this credential may not read this restaurant; ask OpenTable to connect its rid",
    404: "there is nothing at this address; check the rid and the OpenTable URLs",
}


class RetryableError(OpenTableUnavailableError):
    """One attempt failed in a way that the next may not.

    Args:
        problem: What happened, without bodies or tokens.
        retry_after: The seconds that OpenTable asked to wait, where it asked.
    """

    def __init__(self, problem: str, retry_after: float | None = None) -> None:
        super().__init__(f"{problem}. Nothing was lost; the next run tries again.")
        self.retry_after = retry_after


def raise_for_status(status: int, headers: Mapping[str, str], now: datetime) -> None:
    """Return for a 200; raise what any other answer means.

    Args:
        status: The HTTP status.
        headers: The answer's headers, looked up without regard to case.
        now: Our own aware time, for a ``Retry-After`` that names a date.

    Raises:
        PassingFailureError: For 429, 5xx, and a success that carries no body to read.
        OpenTableRefusedError: For any other status: redirects are never followed, and 4xx say
            that the same request will fail again.
    """
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        retry_after = parse_retry_after(headers.get("Retry-After"), headers.get("Date"), now)
        raise RetryableError(
            f"OpenTable answered {status} ({_describe_request_id(headers)})", retry_after
        )
    if status < HTTPStatus.MULTIPLE_CHOICES:
        raise build_unreadable_body_error(f"came as {status} in place of 200", headers)
    if status < HTTPStatus.BAD_REQUEST:
        advice = "redirects are not followed; check the OpenTable URLs"
    else:
        advice = _ADVICE.get(status, "quote the request id to OpenTable")
    raise OpenTableRequestRejectedError(status, f"{advice} ({_describe_request_id(headers)})")


def build_unreadable_body_error(problem: str, headers: Mapping[str, str]) -> RetryableError:
    """Return the failure of a body that is not what it should be.

    Args:
        problem: How it differs, without quoting it.
        headers: The answer's headers.
    """
    return RetryableError(f"OpenTable's answer {problem} ({_describe_request_id(headers)})")


def _describe_request_id(headers: Mapping[str, str]) -> str:
    request_id = headers.get("OT-RequestId") or ""
    return f"OT-RequestId {request_id if _REQUEST_ID.fullmatch(request_id) else 'not given'}"


T = TypeVar("T")


# stamina would write lines of its own; what the bundle logs stands in shared.log.
stamina.instrumentation.set_on_retry_hooks([])


MAX_CALL_ATTEMPTS = 6

_retry_caller = stamina.AsyncRetryingCaller(
    attempts=MAX_CALL_ATTEMPTS,
    timeout=None,  # the caller's deadline is the limit, waits included
    wait_initial=0.25,
    wait_max=8.0,
    wait_jitter=0.5,
)


async def call_with_retries(attempt: Callable[[], Awaitable[T]], deadline: Deadline) -> T:
    """Return what an attempt returns, making up to `MAX_CALL_ATTEMPTS` of them.

    Args:
        attempt: Raises `RetryableError` where another attempt makes sense.
        deadline: Ends everything: attempts, waits between them, waits for a free thread.

    Raises:
        OpenTableUnavailableError: When the attempts or the time are used up, or OpenTable asks
            to wait for longer than there is time.
    """
    last_error: RetryableError | None = None

    def should_retry(error: Exception) -> bool | float:
        nonlocal last_error
        if not isinstance(error, RetryableError):
            return False
        last_error = error
        seconds_left = deadline.remaining()
        if error.retry_after:
            return error.retry_after if error.retry_after < seconds_left else False
        return seconds_left > 0

    try:
        async with asyncio.timeout(deadline.remaining()):
            return await _retry_caller(should_retry, attempt)
    except TimeoutError:
        cause = f" Before that: {last_error}" if last_error else ""
        raise OpenTableUnavailableError(
            f"OpenTable gave no usable answer in time; the next run tries again.{cause}"
        ) from None
