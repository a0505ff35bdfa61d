"""Trying again, for as long as it helps and no longer than the caller can wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.failures import RetryableError
from shared.errors import OpenTableUnavailableError

T = TypeVar("T")

# stamina would write lines of its own; what the bundle logs stands in shared.edge.telemetry.
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
