"""Several things at once, of which none outlives the request that asked for them."""

import asyncio

import pytest

from shared.edge.together import gather_all


async def test_a_failure_is_told_once_the_others_are_over() -> None:
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


async def test_of_several_failures_the_first_in_order_is_told() -> None:
    later = asyncio.Event()

    async def fail_last() -> None:
        await later.wait()
        raise LookupError

    async def fail_first() -> None:
        later.set()
        raise ValueError

    with pytest.raises(LookupError):
        await gather_all(fail_last(), fail_first())


async def test_what_takes_its_time_does_not_keep_the_others_waiting() -> None:
    met = asyncio.Barrier(2)
    async with asyncio.timeout(5):
        await gather_all(met.wait(), met.wait())
