"""Several things at once, of which none outlives the request that asked for them."""

import asyncio
from collections.abc import Awaitable


async def gather_all(*awaitables: Awaitable[object]) -> None:
    """Do several things at the same time, and return once each of them is over.

    Args:
        awaitables: What is done; one's failure neither ends nor hides the others.

    Raises:
        BaseException: The first, in their order, that any of them raised.
    """
    for outcome in await asyncio.gather(*awaitables, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
