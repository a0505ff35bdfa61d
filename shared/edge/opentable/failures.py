"""What a failed call means: whether to try again, and what to tell."""

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

from shared.core.retry_after import parse_retry_after
from shared.errors import OpenTableRequestRejectedError, OpenTableUnavailableError

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
