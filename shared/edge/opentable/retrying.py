"""Trying again, for as long as it helps and no longer than the caller can wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from shared.edge.opentable.clock import Deadline
from shared.edge.opentable.failures import PassingFailureError
from shared.errors import OpenTableUnavailableError

T = TypeVar("T")

# stamina would write lines of its own; what the bundle logs stands in shared.edge.telemetry.
stamina.instrumentation.set_on_retry_hooks([])

ATTEMPTS = 6
_retrying = stamina.AsyncRetryingCaller(
    attempts=ATTEMPTS,
    timeout=None,  # the caller's deadline is the limit, waits included
    wait_initial=0.25,
    wait_max=8.0,
    wait_jitter=0.5,
)


async def persist(attempt: Callable[[], Awaitable[T]], deadline: Deadline) -> T:
    """Return what an attempt returns, making up to `ATTEMPTS` of them.

    Args:
        attempt: Raises `PassingFailureError` where another attempt makes sense.
        deadline: Ends everything: attempts, waits between them, waits for a free thread.

    Raises:
        OpenTableUnavailableError: When the attempts or the time are used up, or OpenTable asks
            to wait for longer than there is time.
    """
    last: PassingFailureError | None = None

    def again(error: Exception) -> bool | float:
        nonlocal last
        if not isinstance(error, PassingFailureError):
            return False
        last = error
        left = deadline.remaining()
        if error.retry_after:
            return error.retry_after if error.retry_after < left else False
        return left > 0

    try:
        async with asyncio.timeout(deadline.remaining()):
            return await _retrying(again, attempt)
    except TimeoutError:
        cause = f" Before that: {last}" if last else ""
        raise OpenTableUnavailableError(
            f"OpenTable gave no usable answer in time; the next run tries again.{cause}"
        ) from None
