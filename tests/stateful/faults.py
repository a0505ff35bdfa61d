"""Kill a worker at a step, or lose a response."""

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
    """The worker's process ends here; its code must not catch this."""


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The faults of a worker's next run.

    `kill_at_step` counts one step before and one after each call. `lose_response_at` counts
    Firestore calls; the call is executed.
    """

    kill_at_step: int | None = None
    lose_response_at: int | None = None


NO_FAULT = FaultPlan()


class WorkerFaults:
    """Count a worker's steps and apply its fault plan."""

    def __init__(self) -> None:
        self._plan = NO_FAULT
        self._steps = self._answers = 0

    def start(self, plan: FaultPlan) -> None:
        """Start a new process with a fault plan."""
        self._plan, self._steps, self._answers = plan, 0, 0

    def step(self) -> None:
        """Live on, or die; the dead make no further call."""
        self._steps += 1
        if self._plan.kill_at_step is not None and self._steps > self._plan.kill_at_step:
            raise ProcessKilled

    def receive(self) -> None:
        """Return a Firestore response, unless the plan loses it."""
        self.step()
        self._answers += 1
        if self._answers - 1 == self._plan.lose_response_at:
            raise LOST_RESPONSE_ERROR("lost by the test")


class FaultyFirestore:
    """Intercept the gRPC calls of a worker's client."""

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
                answer.cancel()  # an unread stream must not stay open
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
