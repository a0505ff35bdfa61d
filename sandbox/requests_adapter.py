"""The sandbox as a transport of ``requests``: no socket, no port, no waiting."""

from collections.abc import Mapping
from io import BytesIO
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from typing_extensions import override
from urllib3 import HTTPResponse

from sandbox.api import OpenTableApi
from sandbox.http import SandboxRequest, SandboxResponse

RequestTimeout = float | tuple[float | None, float | None] | None


class SandboxAdapter(BaseAdapter):
    """Answer a session's requests from a sandbox; mount it under OpenTable's hosts.

    A scripted delay longer than the caller's deadline is a ``ReadTimeout`` at once; a shorter one
    is no delay at all. A cut answer is a ``ConnectionError``.
    """

    def __init__(self, api: OpenTableApi) -> None:
        super().__init__()
        self._api = api

    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: RequestTimeout = None,
        verify: bool | str = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        sandbox_response = self._api.handle(_convert_request(request))
        if sandbox_response.is_dropped:
            raise requests.ConnectionError("The sandbox cut the connection.", request=request)
        # The second of a pair is the time to read.
        deadline = timeout[1] if isinstance(timeout, tuple) else timeout
        if sandbox_response.delay_seconds > (deadline or 0):
            raise requests.ReadTimeout("The sandbox answers too late.", request=request)
        return _convert_response(sandbox_response, request)

    @override
    def close(self) -> None:
        pass  # there is no connection


def _convert_request(request: requests.PreparedRequest) -> SandboxRequest:
    parts = urlsplit(request.url or "")
    return SandboxRequest(
        method=request.method or "GET",
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.items()},
    )


def _convert_response(
    sandbox_response: SandboxResponse, request: requests.PreparedRequest
) -> requests.Response:
    response = requests.Response()
    response.status_code = sandbox_response.status
    response.headers = CaseInsensitiveDict(sandbox_response.headers)
    response.raw = HTTPResponse(
        body=BytesIO(sandbox_response.body),
        headers=dict(sandbox_response.headers),
        status=sandbox_response.status,
        preload_content=False,  # `requests` reads and decompresses the body itself
    )
    response.url = request.url or ""
    response.request = request
    response.encoding = "utf-8"
    return response
