"""Several things at once, of which none outlives the request that asked for them."""

import asyncio

import pytest

from shared.edge.together import gather_all


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
