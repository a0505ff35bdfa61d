"""A fake Cloud Tasks on the loopback interface: its gRPC service, as Google documents it."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped]  # it ships no types
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcAsyncIOTransport

from dev.local.processes import LOOPBACK
from shared.tasks.queue import CloudTasksQueue

QUEUE = "projects/p/locations/us-central1/queues/opentable"
URL = "https://us-central1-p.cloudfunctions.net"
SERVICE_ACCOUNT = "opentable-tasks@p.iam.gserviceaccount.com"
Status = grpc.StatusCode


@dataclass(slots=True)
class FakeCloudTasks:
    """The tasks of a queue; a name can be used only once.

    Attributes:
        next_statuses: The statuses of the next calls, None for success. `Status.UNKNOWN` creates
            the task and loses the response.
    """

    created: list[tasks_v2.Task] = field(default_factory=list)
    calls: int = 0
    next_statuses: deque[grpc.StatusCode | None] = field(default_factory=deque)
    host: str = ""

    async def create_task(self, request: Any, context: Any) -> Any:
        """Handle CreateTask."""
        self.calls += 1
        status = self.next_statuses.popleft() if self.next_statuses else None
        if status is not None and status is not Status.UNKNOWN:
            await context.abort(status, "failed by the test")
        task = request.task
        if request.parent != QUEUE:
            await context.abort(Status.NOT_FOUND, "Requested entity was not found.")
        if not task.name.startswith(f"{QUEUE}/tasks/"):
            await context.abort(Status.INVALID_ARGUMENT, "The name must begin with the queue's.")
        if task.name in {created.name for created in self.created}:
            await context.abort(Status.ALREADY_EXISTS, "Requested entity already exists")
        self.created.append(task)
        if status is not None:
            await context.abort(status, "the response is lost")
        return task

    def client(self) -> tasks_v2.CloudTasksAsyncClient:
        """Return Google's client, connected to this fake."""
        channel = grpc.aio.insecure_channel(self.host)
        return tasks_v2.CloudTasksAsyncClient(
            transport=CloudTasksGrpcAsyncIOTransport(channel=channel)
        )

    def task_queue(self, name: str = QUEUE) -> CloudTasksQueue:
        """Return the queue under test."""
        return CloudTasksQueue(name, URL, SERVICE_ACCOUNT, 480, self.client)


@asynccontextmanager
async def serve_fake_cloud_tasks() -> AsyncIterator[FakeCloudTasks]:
    """Serve a queue until the block ends."""
    fake, server = FakeCloudTasks(), grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        fake.create_task,
        request_deserializer=tasks_v2.CreateTaskRequest.deserialize,
        response_serializer=tasks_v2.Task.serialize,
    )
    methods = {"CreateTask": handler}
    generic = grpc.method_handlers_generic_handler("google.cloud.tasks.v2.CloudTasks", methods)
    server.add_generic_rpc_handlers((generic,))
    fake.host = f"{LOOPBACK}:{server.add_insecure_port(f'{LOOPBACK}:0')}"
    await server.start()
    yield fake
    await server.stop(None)
