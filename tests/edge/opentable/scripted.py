"""A transport for ``requests`` that answers from a script, for faults no server would make."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from typing_extensions import override
from urllib3 import HTTPResponse

from shared.edge.opentable.clock import Clock

REQUEST_ID = "6f0c2a1e-5b7d-4c39-9a44-0d1f7be2c8aa"


@dataclass
class ScriptedResponse:
    """One answer: JSON unless bytes are given."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: object = None

    def response(self) -> requests.Response:
        payload = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        response = requests.Response()
        response.status_code = self.status
        response.headers = CaseInsensitiveDict({"OT-RequestId": REQUEST_ID, **self.headers})
        response.raw = self.raw or HTTPResponse(BytesIO(payload), preload_content=False)
        return response


def gzip_response(body: object) -> ScriptedResponse:
    return ScriptedResponse(
        gzip.compress(json.dumps(body).encode()), headers={"Content-Encoding": "gzip"}
    )


def token_response(text: str = "v2-token", expires_in: object = 1_209_600) -> ScriptedResponse:
    return ScriptedResponse(
        {"access_token": text, "token_type": "bearer", "expires_in": expires_in}
    )


ScriptStep = ScriptedResponse | Exception | Callable[[], ScriptedResponse]


class ScriptedAdapter(BaseAdapter):
    """Plays the steps given for token requests and for all others, and keeps the requests.

    The last step of a script is played for ever.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[ScriptStep] = [token_response()]
        self.steps: list[ScriptStep] = []
        self.requests: list[requests.PreparedRequest] = []
        self.timeouts: list[object] = []

    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: bool | str = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        self.requests.append(request)
        self.timeouts.append(timeout)
        script = self.tokens if "/oauth/" in (request.url or "") else self.steps
        step = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(step, Exception):
            raise step
        return (step if isinstance(step, ScriptedResponse) else step()).response()

    @override
    def close(self) -> None:
        pass

    def requests_to(self, part: str) -> list[requests.PreparedRequest]:
        """Return the requests whose URL holds a part."""
        return [request for request in self.requests if part in (request.url or "")]


class SlowBody:
    """A body of which a byte arrives every so many seconds of the hands' time."""

    def __init__(self, fake_clock: "FakeMonotonicClock", seconds: float) -> None:
        self.fake_clock, self.seconds, self.reads = fake_clock, seconds, 0

    def read1(self, _amt: int | None, *, decode_content: bool | None) -> bytes:
        assert not decode_content
        self.fake_clock.seconds += self.seconds
        self.reads += 1
        return b" "

    def close(self) -> None:
        pass

    def release_conn(self) -> None:
        pass


class FakeMonotonicClock:
    """A clock's hands, moved by the test."""

    def __init__(self, now: Callable[[], object]) -> None:
        self.seconds = 1_000.0
        self.clock = Clock(lambda: self.seconds, now)  # type: ignore[arg-type]
