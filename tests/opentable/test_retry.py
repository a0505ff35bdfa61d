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
from shared.opentable.retry import (
    MAX_CALL_ATTEMPTS,
    MAX_RETRY_AFTER_SECONDS,
    RetryableError,
    call_with_retries,
    parse_retry_after,
    raise_for_status,
)
from tests.support.opentable import FakeMonotonicClock


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


FAILURE_TIME = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
HEADERS = {"OT-RequestId": "6f0c2a1e-5b7d"}


def test_a_success_is_silent() -> None:
    raise_for_status(200, HEADERS, FAILURE_TIME)


@pytest.mark.parametrize("status", [204, 429, 500, 502, 503, 504, 599])
def test_transient_failures_are_retryable(status: int) -> None:
    with pytest.raises(RetryableError, match=rf"{status}.*6f0c2a1e-5b7d"):
        raise_for_status(status, HEADERS, FAILURE_TIME)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 408, 418])
def test_permanent_failures_are_not_retryable(status: int) -> None:
    with pytest.raises(OpenTableRequestRejectedError, match=rf"{status}.*6f0c2a1e-5b7d") as caught:
        raise_for_status(status, HEADERS, FAILURE_TIME)
    assert caught.value.status == status


def test_a_requested_wait_is_preserved() -> None:
    with pytest.raises(RetryableError) as caught:
        raise_for_status(429, {"Retry-After": "7"}, FAILURE_TIME)
    assert caught.value.retry_after == 7


def test_a_forged_request_id_is_not_quoted() -> None:
    with pytest.raises(RetryableError, match="not given"):
        raise_for_status(500, {"OT-RequestId": "x\nERROR all is lost"}, FAILURE_TIME)


RECEIVED_TIME = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
SERVER_NOON = "Sat, 14 Mar 2026 12:00:00 GMT"


def test_seconds_are_read_unchanged() -> None:
    assert parse_retry_after("7", None, RECEIVED_TIME) == 7.0


def test_fractions_and_spaces_are_forgiven() -> None:
    assert parse_retry_after(" 1.5 ", None, RECEIVED_TIME) == 1.5


def test_a_negative_wait_is_zero() -> None:
    assert parse_retry_after("-3", None, RECEIVED_TIME) == 0.0


def test_an_excessive_wait_is_bounded() -> None:
    assert parse_retry_after("9" * 5_000, None, RECEIVED_TIME) == MAX_RETRY_AFTER_SECONDS


def test_a_date_is_relative_to_the_date_header() -> None:
    ours = RECEIVED_TIME + timedelta(hours=3)
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:20 GMT", SERVER_NOON, ours) == 20.0


def test_a_date_without_date_header_is_relative_to_the_local_clock() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:20 GMT", None, RECEIVED_TIME) == 20.0


def test_an_invalid_date_header_falls_back_to_the_local_clock() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:20 GMT", "noonish", RECEIVED_TIME) == 20.0


def test_a_date_that_has_passed_means_no_wait() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 11:00:00 GMT", SERVER_NOON, RECEIVED_TIME) == 0.0


def test_a_date_without_a_known_zone_is_utc() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:05 -0000", SERVER_NOON, RECEIVED_TIME) == 5.0


def test_a_missing_header_gives_none() -> None:
    assert parse_retry_after(None, SERVER_NOON, RECEIVED_TIME) is None


def test_an_invalid_header_gives_none() -> None:
    assert parse_retry_after("soon", SERVER_NOON, RECEIVED_TIME) is None


def test_digits_of_other_scripts_are_invalid() -> None:
    assert parse_retry_after("٣", None, RECEIVED_TIME) is None


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ .*"), st.text())
def test_any_text_gives_a_bounded_wait_or_nothing(value: str, date: str) -> None:
    wait = parse_retry_after(value, date, RECEIVED_TIME)
    assert wait is None or 0.0 <= wait <= MAX_RETRY_AFTER_SECONDS


@given(st.integers(0, 86_400))
def test_both_forms_of_one_wait_agree(seconds: int) -> None:
    later = format_datetime(RECEIVED_TIME + timedelta(seconds=seconds), usegmt=True)
    as_seconds = parse_retry_after(str(seconds), None, RECEIVED_TIME)
    assert as_seconds == parse_retry_after(later, SERVER_NOON, RECEIVED_TIME)
