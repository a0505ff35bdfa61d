import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from shared.concurrency import SYSTEM_CLOCK, Deadline
from shared.errors import OpenTableRequestRejectedError, OpenTableUnavailableError
from shared.opentable.transport import (
    MAX_CALL_ATTEMPTS,
    MAX_RETRY_AFTER_SECONDS,
    RetryableError,
    call_with_retries,
    parse_retry_after,
    raise_for_status,
)
from tests.support.opentable import FakeMonotonicClock


class FailingAttempt:
    """Fails the given number of times, then succeeds."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self.error, self.calls = failures, error, 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls > self.failures:
            return "done"
        raise self.error


async def wait_forever() -> None:
    await asyncio.Event().wait()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The pauses between attempts in seconds; none of them is waited for."""
    waits: list[float] = []

    async def record_wait(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", record_wait)
    with stamina.set_testing(False):
        yield waits


async def test_a_transient_failure_is_retried(deadline: Deadline) -> None:
    assert await call_with_retries(FailingAttempt(4, RetryableError("503")), deadline) == "done"


async def test_a_persistent_failure_is_raised_after_the_last_attempt(deadline: Deadline) -> None:
    attempt = FailingAttempt(99, RetryableError("OpenTable answered 503"))
    with pytest.raises(OpenTableUnavailableError, match="503"):
        await call_with_retries(attempt, deadline)
    assert attempt.calls == MAX_CALL_ATTEMPTS


def test_there_are_at_least_five_attempts() -> None:
    assert MAX_CALL_ATTEMPTS >= 5


async def test_a_rejection_is_not_retried(deadline: Deadline) -> None:
    attempt = FailingAttempt(99, OpenTableRequestRejectedError(403, "no"))
    with pytest.raises(OpenTableRequestRejectedError):
        await call_with_retries(attempt, deadline)
    assert attempt.calls == 1


async def test_the_requested_wait_is_honored(deadline: Deadline, waits: list[float]) -> None:
    await call_with_retries(FailingAttempt(1, RetryableError("429", 7.0)), deadline)
    assert waits == [7.0]


async def test_waits_grow(deadline: Deadline, waits: list[float]) -> None:
    await call_with_retries(FailingAttempt(5, RetryableError("503")), deadline)
    assert all(wait >= 0.25 * 2**number for number, wait in enumerate(waits))


async def test_without_a_requested_wait_the_backoff_applies(
    deadline: Deadline, waits: list[float]
) -> None:
    await call_with_retries(FailingAttempt(1, RetryableError("429", 0.0)), deadline)
    assert waits[0] > 0


async def test_a_wait_beyond_the_deadline_gives_up_at_once(deadline: Deadline) -> None:
    attempt = FailingAttempt(99, RetryableError("OpenTable answered 429", 61.0))
    with pytest.raises(OpenTableUnavailableError, match="429"):
        await call_with_retries(attempt, deadline)
    assert attempt.calls == 1


async def test_nothing_is_retried_after_the_deadline(fake_clock: FakeMonotonicClock) -> None:
    attempt = FailingAttempt(99, RetryableError("503"))

    async def slow_attempt() -> str:
        fake_clock.seconds += 10
        return await attempt()

    with pytest.raises(OpenTableUnavailableError):
        await call_with_retries(slow_attempt, Deadline.after(5, fake_clock.clock))
    assert attempt.calls == 1


async def test_the_deadline_ends_an_attempt_that_never_ends() -> None:
    with pytest.raises(OpenTableUnavailableError, match="in time"):
        await call_with_retries(wait_forever, Deadline.after(0.01, SYSTEM_CLOCK))


async def test_the_last_failure_is_raised_at_the_deadline() -> None:
    failing_attempt = FailingAttempt(1, RetryableError("OpenTable answered 503"))

    async def fail_then_wait() -> None:
        await failing_attempt()
        await wait_forever()

    with pytest.raises(OpenTableUnavailableError, match=r"in time.*503"):
        await call_with_retries(fail_then_wait, Deadline.after(0.01, SYSTEM_CLOCK))


NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
HEADERS = {"OT-RequestId": "6f0c2a1e-5b7d"}


def test_status_200_raises_nothing() -> None:
    raise_for_status(200, HEADERS, NOON)


@pytest.mark.parametrize("status", [204, 429, 500, 502, 503, 504, 599])
def test_transient_failures_are_retryable(status: int) -> None:
    with pytest.raises(RetryableError, match=rf"{status}.*6f0c2a1e-5b7d"):
        raise_for_status(status, HEADERS, NOON)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 408, 418])
def test_permanent_failures_are_not_retryable(status: int) -> None:
    with pytest.raises(OpenTableRequestRejectedError, match=rf"{status}.*6f0c2a1e-5b7d") as caught:
        raise_for_status(status, HEADERS, NOON)
    assert caught.value.status == status


def test_a_requested_wait_is_preserved() -> None:
    with pytest.raises(RetryableError) as caught:
        raise_for_status(429, {"Retry-After": "7"}, NOON)
    assert caught.value.retry_after == 7


def test_a_forged_request_id_is_not_quoted() -> None:
    with pytest.raises(RetryableError, match="not given"):
        raise_for_status(500, {"OT-RequestId": "x\nERROR all is lost"}, NOON)


HTTP_NOON = "Sat, 14 Mar 2026 12:00:00 GMT"
NOON_AND_20_SECONDS = "Sat, 14 Mar 2026 12:00:20 GMT"


@pytest.mark.parametrize(
    "retry_after, date_header, now, expected",
    [
        pytest.param("7", None, NOON, 7.0, id="seconds"),
        pytest.param(" 1.5 ", None, NOON, 1.5, id="fraction and spaces"),
        pytest.param("-3", None, NOON, 0.0, id="negative"),
        pytest.param("9" * 5_000, None, NOON, MAX_RETRY_AFTER_SECONDS, id="excessive"),
        pytest.param(
            NOON_AND_20_SECONDS,
            HTTP_NOON,
            NOON + timedelta(hours=3),
            20.0,
            id="date relative to the Date header",
        ),
        pytest.param(NOON_AND_20_SECONDS, None, NOON, 20.0, id="date relative to our clock"),
        pytest.param(NOON_AND_20_SECONDS, "noonish", NOON, 20.0, id="invalid Date header"),
        pytest.param("Sat, 14 Mar 2026 11:00:00 GMT", HTTP_NOON, NOON, 0.0, id="past date"),
        pytest.param(
            "Sat, 14 Mar 2026 12:00:05 -0000", HTTP_NOON, NOON, 5.0, id="date without a zone is UTC"
        ),
        pytest.param(None, HTTP_NOON, NOON, None, id="no header"),
        pytest.param("soon", HTTP_NOON, NOON, None, id="invalid header"),
        pytest.param("٣", None, NOON, None, id="digit of another script"),
    ],
)
def test_retry_after_gives_a_wait_in_seconds(
    retry_after: str | None, date_header: str | None, now: datetime, expected: float | None
) -> None:
    assert parse_retry_after(retry_after, date_header, now) == expected


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ .*"), st.text())
def test_any_text_gives_a_bounded_wait_or_nothing(value: str, date: str) -> None:
    wait = parse_retry_after(value, date, NOON)
    assert wait is None or 0.0 <= wait <= MAX_RETRY_AFTER_SECONDS


@given(st.integers(0, 86_400))
def test_both_forms_of_one_wait_agree(seconds: int) -> None:
    later = format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)
    as_seconds = parse_retry_after(str(seconds), None, NOON)
    assert as_seconds == parse_retry_after(later, HTTP_NOON, NOON)
