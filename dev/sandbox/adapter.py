"""The sandbox as a transport of ``requests``: no socket, no port, no waiting."""

from collections.abc import Mapping
from io import BytesIO
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from typing_extensions import override
from urllib3 import HTTPResponse

from dev.sandbox.answers import Sandbox
from dev.sandbox.messages import Request, Response

Timeout = float | tuple[float | None, float | None] | None


class SandboxAdapter(BaseAdapter):
    """Answers a session's requests from a sandbox; mount it under OpenTable's hosts.

    A scripted delay longer than the caller's deadline is a ``ReadTimeout`` at once; a shorter one
    is no delay at all. A cut answer is a ``ConnectionError``.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Answer from ``sandbox``."""
        super().__init__()
        self._sandbox = sandbox

    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Timeout = None,
        verify: bool | str = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer one prepared request."""
        answer = self._sandbox.handle(_read(request))
        if answer.cut:
            raise requests.ConnectionError("The sandbox cut the connection.", request=request)
        deadline = timeout[1] if isinstance(timeout, tuple) else timeout
        if answer.delay > (deadline or 0):
            raise requests.ReadTimeout("The sandbox answers too late.", request=request)
        return _written(answer, request)

    @override
    def close(self) -> None:
        """Hold nothing, so close nothing."""


def _read(request: requests.PreparedRequest) -> Request:
    parts = urlsplit(request.url or "")
    body = request.body or b""
    return Request(
        method=request.method or "GET",
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body.encode() if isinstance(body, str) else body,
    )


def _written(answer: Response, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers)
    response.raw = HTTPResponse(
        body=BytesIO(answer.body),
        headers=dict(answer.headers),
        status=answer.status,
        preload_content=False,
    )
    response.url = request.url or ""
    response.request = request
    response.encoding = "utf-8"
    return response
