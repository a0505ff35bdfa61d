"""The line to Firestore, tapped: calls are counted, and go wrong where a test says so."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from google.cloud.firestore import AsyncClient

Step = Callable[[], Awaitable[object]]


class Wire:
    """Stands between a client and its gRPC calls.

    Args:
        client: Another client of the same project, whose connection is used.

    Attributes:
        client: The tapped client.
        calls: The names of the calls made, in order.
        read_names: The names of the documents that were read by name.
        before: A step for each of the next commits, taken before it is sent.
        after: A step for each of the next commits, taken once it has landed.
        refusal: While set, every call fails so.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._api = client._firestore_api
        self.client = AsyncClient(project=client.project)
        self.client._firestore_api_internal = self
        self.calls: list[str] = []
        self.read_names: list[str] = []
        self.before: deque[Step] = deque()
        self.after: deque[Step] = deque()
        self.refusal: type[Exception] | None = None

    async def commit(self, **sent: Any) -> Any:
        self._count("commit")
        await _take(self.before)
        answer = await self._api.commit(**sent)
        await _take(self.after)
        return answer

    async def batch_get_documents(self, **sent: Any) -> Any:
        self._count("read")
        request = sent["request"]
        names = request["documents"] if isinstance(request, dict) else request.documents
        self.read_names += names
        return await self._api.batch_get_documents(**sent)

    async def run_query(self, **sent: Any) -> Any:
        self._count("query")
        return await self._api.run_query(**sent)

    def counted(self) -> list[str]:
        """Return the calls since this was last asked."""
        calls, self.calls = self.calls, []
        return calls

    def _count(self, name: str) -> None:
        self.calls.append(name)
        if self.refusal is not None:
            raise self.refusal("refused by the test")


async def _take(steps: deque[Step]) -> None:
    if steps:
        await steps.popleft()()


def failing(error: type[Exception]) -> Step:
    """Return a step that fails."""

    async def fail() -> None:
        raise error("failed by the test")

    return fail
