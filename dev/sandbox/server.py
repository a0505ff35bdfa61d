"""The sandbox over real HTTP, on the loopback interface alone."""

import asyncio

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from dev.sandbox.control import Control
from dev.sandbox.messages import Request
from dev.sandbox.station import Station

HOST = "127.0.0.1"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class _Cut(HttpResponse):
    """Promises a body and never sends it, upon which the server closes the connection."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


def create_app(station: Station) -> Starlette:
    """Return the ASGI application: the control endpoints, and everything else is OpenTable's."""

    async def answer(asked: HttpRequest) -> HttpResponse:
        request = Request(
            method=asked.method,
            path=asked.url.path,
            query=dict(asked.query_params),
            headers=dict(asked.headers),
        )
        reply = await run_in_threadpool(station.sandbox.handle, request)
        await asyncio.sleep(reply.delay)
        if reply.cut:
            return _Cut()
        return HttpResponse(reply.body, reply.status, dict(reply.headers))

    everything = Route("/{path:path}", answer, methods=_METHODS)
    return Starlette(routes=[*Control(station).routes(), everything])


def serve(station: Station, port: int) -> None:
    """Serve until interrupted."""
    with station.running():
        uvicorn.run(create_app(station), host=HOST, port=port, log_level="warning")
