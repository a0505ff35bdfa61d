"""Serve the sandbox over HTTP on the loopback interface."""

import asyncio

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from sandbox.control_api import ControlApi
from sandbox.http import SandboxRequest
from sandbox.simulator import Simulator

SANDBOX_HOST = "127.0.0.1"
_SHUTDOWN_TIMEOUT_SECONDS = 1
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class _DroppedResponse(HttpResponse):
    """Announce a body and never send it, so that the server closes the connection."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def create_sandbox_app(simulator: Simulator) -> Starlette:
    """Return the ASGI application: the control endpoints, and everything else is OpenTable's."""

    async def answer(http_request: HttpRequest) -> HttpResponse:
        request = SandboxRequest(
            method=http_request.method,
            path=http_request.url.path,
            query=dict(http_request.query_params),
            headers=dict(http_request.headers),
        )
        response = await run_in_threadpool(simulator.api.handle, request)
        await asyncio.sleep(response.delay_seconds)
        if response.is_dropped:
            return _DroppedResponse()
        return HttpResponse(response.body, response.status, dict(response.headers))

    catch_all = Route("/{path:path}", answer, methods=_METHODS)
    return Starlette(routes=[*ControlApi(simulator).build_routes(), catch_all])


def serve_sandbox(simulator: Simulator, port: int) -> None:
    """Serve until interrupted."""
    with simulator.run_threads():
        uvicorn.run(
            create_sandbox_app(simulator),
            host=SANDBOX_HOST,
            port=port,
            log_level="warning",
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_SECONDS,
        )
