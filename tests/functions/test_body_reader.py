"""Bodies are read with a bound in time and in number."""

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from functions.http import BodyReader


def make_slow_request(arrived: asyncio.Event) -> Request:
    """Return a request whose body ends when the event is set."""

    async def receive() -> dict[str, Any]:
        await arrived.wait()
        return {"type": "http.request", "body": b"{}"}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def test_a_body_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        await BodyReader(1, timeout_seconds=0.0).read(make_slow_request(asyncio.Event()))


async def test_the_oldest_slow_body_makes_room_for_another() -> None:
    reader, arrived = BodyReader(2, timeout_seconds=60), asyncio.Event()
    oldest, other, newest = (
        asyncio.create_task(reader.read(make_slow_request(arrived))) for _ in range(3)
    )
    with pytest.raises(TimeoutError):
        await oldest
    arrived.set()
    assert [await other, await newest] == [b"{}", b"{}"]
