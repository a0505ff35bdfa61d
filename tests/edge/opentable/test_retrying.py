import asyncio
from collections.abc import Iterator

import pytest
import stamina

from shared.edge.opentable.clock import SYSTEM_CLOCK, Deadline
from shared.edge.opentable.failures import RetryableError
from shared.edge.opentable.retrying import MAX_CALL_ATTEMPTS, call_with_retries
from shared.errors import OpenTableRequestRejectedError, OpenTableUnavailableError
from tests.edge.opentable.scripted import FakeMonotonicClock


class Failing:
    """An attempt that fails so many times."""

    def __init__(self, times: int, error: Exception) -> None:
        self.times, self.error, self.made = times, error, 0

    async def __call__(self) -> str:
        self.made += 1
        if self.made > self.times:
            return "done"
        raise self.error


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The waits that were asked of the loop, none of them waited for."""
    asked: list[float] = []

    async def note(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    with stamina.set_testing(False):
        yield asked


async def test_a_transient_failure_is_retried(deadline: Deadline) -> None:
    assert await call_with_retries(Failing(4, RetryableError("503")), deadline) == "done"


async def test_a_persistent_failure_is_raised_after_the_last_attempt(deadline: Deadline) -> None:
    attempt = Failing(99, RetryableError("OpenTable answered 503"))
    with pytest.raises(OpenTableUnavailableError, match="503"):
        await call_with_retries(attempt, deadline)
    assert attempt.made == MAX_CALL_ATTEMPTS


def test_there_are_at_least_five_attempts() -> None:
    assert MAX_CALL_ATTEMPTS >= 5


async def test_a_refusal_is_not_tried_again(deadline: Deadline) -> None:
    attempt = Failing(99, OpenTableRequestRejectedError(403, "no"))
    with pytest.raises(OpenTableRequestRejectedError):
        await call_with_retries(attempt, deadline)
    assert attempt.made == 1


async def test_the_requested_wait_is_honored(deadline: Deadline, waits: list[float]) -> None:
    await call_with_retries(Failing(1, RetryableError("429", 7.0)), deadline)
    assert waits == [7.0]


async def test_waits_grow(deadline: Deadline, waits: list[float]) -> None:
    await call_with_retries(Failing(5, RetryableError("503")), deadline)
    assert all(wait >= 0.25 * 2**number for number, wait in enumerate(waits))


async def test_without_a_requested_wait_the_backoff_applies(
    deadline: Deadline, waits: list[float]
) -> None:
    await call_with_retries(Failing(1, RetryableError("429", 0.0)), deadline)
    assert waits[0] > 0


async def test_a_wait_beyond_the_deadline_gives_up_at_once(deadline: Deadline) -> None:
    attempt = Failing(99, RetryableError("OpenTable answered 429", 61.0))
    with pytest.raises(OpenTableUnavailableError, match="429"):
        await call_with_retries(attempt, deadline)
    assert attempt.made == 1


async def test_nothing_is_tried_again_after_the_deadline(fake_clock: FakeMonotonicClock) -> None:
    attempt = Failing(99, RetryableError("503"))

    async def late() -> str:
        fake_clock.seconds += 10
        return await attempt()

    with pytest.raises(OpenTableUnavailableError):
        await call_with_retries(late, Deadline.after(5, fake_clock.clock))
    assert attempt.made == 1


async def test_an_attempt_that_never_ends_is_ended_by_the_deadline() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(OpenTableUnavailableError, match="in time"):
        await call_with_retries(never, Deadline.after(0.01, SYSTEM_CLOCK))


async def test_the_last_failure_is_raised_at_the_deadline() -> None:
    failing = Failing(1, RetryableError("OpenTable answered 503"))

    async def then_never() -> None:
        await failing()
        await asyncio.Event().wait()

    with pytest.raises(OpenTableUnavailableError, match=r"in time.*503"):
        await call_with_retries(then_never, Deadline.after(0.01, SYSTEM_CLOCK))
