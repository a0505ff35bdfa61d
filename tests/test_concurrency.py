"""A lookup runs once for concurrent callers and is cached; failures are not.

Concurrent tasks end before their request does.
"""

import asyncio
from collections import Counter

import pytest

from shared.concurrency import SingleFlightTTLCache, gather_all, gather_bounded
from tests.support.clocks import FakeTimer

LengthCache = SingleFlightTTLCache[str, int]


class CountingSource:
    """Return a key's length; count the calls, and fail or wait on request."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.failures = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def look_up(self, key: str) -> int:
        self.asked[key] += 1
        await self.may_answer.wait()
        if self.failures:
            self.failures -= 1
            raise LookupError(key)
        return len(key)


@pytest.fixture
def source() -> CountingSource:
    return CountingSource()


@pytest.fixture
def cached(source: CountingSource, timer: FakeTimer) -> LengthCache:
    return SingleFlightTTLCache(source.look_up, max_size=3, ttl_seconds=60, timer=timer)


async def test_a_value_is_looked_up_once_in_its_time(
    cached: LengthCache, source: CountingSource, timer: FakeTimer
) -> None:
    assert await cached.get("abc") == 3
    timer.advance(59)
    assert await cached.get("abc") == 3
    assert source.asked["abc"] == 1


async def test_a_value_is_looked_up_again_after_its_time(
    cached: LengthCache, source: CountingSource, timer: FakeTimer
) -> None:
    await cached.get("abc")
    timer.advance(60)
    await cached.get("abc")
    assert source.asked["abc"] == 2


async def test_many_at_once_cause_one_look_up(cached: LengthCache, source: CountingSource) -> None:
    source.may_answer.clear()
    waiting = asyncio.gather(*(cached.get("abc") for _ in range(50)))
    await asyncio.sleep(0)
    source.may_answer.set()
    assert (await waiting, source.asked["abc"]) == ([3] * 50, 1)


async def test_a_failure_reaches_all_who_wait(cached: LengthCache, source: CountingSource) -> None:
    source.failures = 1
    both = await asyncio.gather(cached.get("abc"), cached.get("abc"), return_exceptions=True)
    assert [type(one) for one in both] == [LookupError, LookupError]


async def test_a_failure_is_not_remembered(cached: LengthCache, source: CountingSource) -> None:
    source.failures = 1
    with pytest.raises(LookupError):
        await cached.get("abc")
    assert await cached.get("abc") == 3


async def test_one_callers_deadline_ends_no_look_up_of_others(
    cached: LengthCache, source: CountingSource
) -> None:
    source.may_answer.clear()
    hasty, patient = (asyncio.ensure_future(cached.get("abc")) for _ in range(2))
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.sleep(0)
    source.may_answer.set()
    assert (await patient, source.asked["abc"]) == (3, 1)


async def test_a_forgotten_value_is_looked_up_again(
    cached: LengthCache, source: CountingSource
) -> None:
    await cached.get("abc")
    cached.invalidate("abc")
    await cached.get("abc")
    assert source.asked["abc"] == 2


async def test_no_more_than_its_size_is_remembered(
    cached: LengthCache, source: CountingSource
) -> None:
    for key in ("a", "b", "c", "d"):
        await cached.get(key)
    assert sum(key in cached for key in source.asked) == 3


async def test_a_failure_is_raised_after_the_others_finish() -> None:
    failed, over = asyncio.Event(), []

    async def fail() -> None:
        failed.set()
        raise LookupError

    async def go_on() -> None:
        await failed.wait()
        await asyncio.sleep(0)
        over.append("the other")

    with pytest.raises(LookupError):
        await gather_all(fail(), go_on())
    assert over == ["the other"]


async def test_of_several_failures_the_first_in_order_is_raised() -> None:
    later = asyncio.Event()

    async def fail_last() -> None:
        await later.wait()
        raise LookupError

    async def fail_first() -> None:
        later.set()
        raise ValueError

    with pytest.raises(LookupError):
        await gather_all(fail_last(), fail_first())


async def test_a_slow_task_does_not_delay_the_others() -> None:
    met = asyncio.Barrier(2)
    async with asyncio.timeout(5):
        await gather_all(met.wait(), met.wait())


async def test_bounded_calls_keep_their_order_and_limit() -> None:
    running, peaks = [0], []

    async def double(number: int) -> int:
        running[0] += 1
        peaks.append(running[0])
        await asyncio.sleep(0)
        running[0] -= 1
        return 2 * number

    assert await gather_bounded(3, double, range(10)) == [2 * number for number in range(10)]
    assert max(peaks) == 3
