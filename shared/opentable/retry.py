"""Retries of calls to OpenTable: failed statuses, ``Retry-After``, backoff within a deadline."""

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

MAX_CALL_ATTEMPTS = 6
MAX_RETRY_AFTER_SECONDS = 86_400.0
T = TypeVar("T")

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
