"""One worker's lines to the outside, and the steps at which it dies or an answer is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from google.api_core import exceptions as google
from typing_extensions import override

from sandbox.api import OpenTableApi
from sandbox.requests_adapter import SandboxAdapter
from shared.firestore.raw_client import FirestoreClient
from tests.support.firestore import make_client

LOST_RESPONSE_ERROR: type[Exception] = google.ServiceUnavailable


class ProcessKilled(BaseException):
    """The worker's process ends here; nothing that it runs may catch this."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What befalls a worker in its next run.

    Attributes:
        kill_at_step: The number of steps that it lives; one is before, one after each of its calls.
        lose_response_at: The number of calls to Firestore that are answered until one is not,
            although
            what it asked for was done.
    """

    kill_at_step: int | None = None
    lose_response_at: int | None = None


NO_FAULT = FaultPlan()


class WorkerFaults:
    """Counts a worker's steps, and ends it where its fate says so."""

    def __init__(self) -> None:
        self._plan = NO_FAULT
        self._steps = self._answers = 0

    def start(self, plan: FaultPlan) -> None:
        """Start as a new process that a fate awaits."""
        self._plan, self._steps, self._answers = plan, 0, 0

    def step(self) -> None:
        """Live on, or die; the dead make no further call."""
        self._steps += 1
        if self._plan.kill_at_step is not None and self._steps > self._plan.kill_at_step:
            raise ProcessKilled

    def receive(self) -> None:
        """Hear an answer of Firestore's, unless this is the one that is lost."""
        self.step()
        self._answers += 1
        if self._answers - 1 == self._plan.lose_response_at:
            raise LOST_RESPONSE_ERROR("lost by the test")


class FaultyFirestore:
    """Stands between a worker's client and its gRPC calls.

    Args:
        client: Another client of the same project, whose connection is used.
        faults: Whose line it is.

    Attributes:
        client: The worker's client.
    """

    def __init__(self, client: FirestoreClient, faults: WorkerFaults) -> None:
        self._api, self._faults = client._firestore_api, faults
        self.client = make_client(client.project, self)

    async def commit(self, **sent: Any) -> Any:
        return await self._call(self._api.commit, sent)

    async def batch_get_documents(self, **sent: Any) -> Any:
        return await self._call(self._api.batch_get_documents, sent)

    async def run_query(self, **sent: Any) -> Any:
        return await self._call(self._api.run_query, sent)

    async def run_aggregation_query(self, **sent: Any) -> Any:
        return await self._call(self._api.run_aggregation_query, sent)

    async def _call(self, method: Any, sent: Mapping[str, Any]) -> Any:
        self._faults.step()
        answer = await method(**sent)
        try:
            self._faults.receive()
        except (ProcessKilled, LOST_RESPONSE_ERROR):
            if hasattr(answer, "cancel"):
                answer.cancel()  # a stream that nobody will read must not stay open
            raise
        return answer


class FaultySandboxAdapter(SandboxAdapter):
    """A worker's way to OpenTable."""

    def __init__(self, sandbox: OpenTableApi, faults: WorkerFaults) -> None:
        super().__init__(sandbox)
        self._faults = faults

    @override
    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        self._faults.step()
        answer = super().send(*args, **kwargs)
        self._faults.step()
        return answer
