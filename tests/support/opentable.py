"""The sandbox behind a real socket in a thread, and scripted ``requests`` responses."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from typing_extensions import override
from urllib3 import HTTPResponse

from dev.local.processes import LOOPBACK, find_free_port
from sandbox.actions import ReservationActions
from sandbox.api import OpenTableApi
from sandbox.models import SandboxReservation, SandboxRestaurant
from sandbox.server import create_sandbox_app
from sandbox.simulator import SimulatorConfig, build_simulator
from shared.concurrency import Clock
from tests.support.processes import serve_app

_VISIT_TIME = datetime(2026, 3, 14, 23, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BookedReservation:
    """A reservation and the actions to change it."""

    actions: ReservationActions
    reservation: SandboxReservation


@dataclass(frozen=True, slots=True)
class LocalOpenTable:
    """A sandbox served at a URL."""

    url: str
    sandbox: OpenTableApi

    def book_at(self, rid: str, party_size: int, at: datetime = _VISIT_TIME) -> BookedReservation:
        """Add a restaurant if necessary, and book a reservation."""
        if int(rid) not in {restaurant.rid for restaurant in self.sandbox.store.list_restaurants()}:
            self.sandbox.store.add_restaurant(
                SandboxRestaurant(int(rid), "Demo", ZoneInfo("America/New_York"))
            )
        self.sandbox.tokens.partners[0].rids.add(int(rid))
        actions = ReservationActions(self.sandbox.store, int(rid))
        return BookedReservation(actions, actions.create(at, party_size))

    def tomorrow(self) -> datetime:
        """Return this time tomorrow."""
        return self.sandbox.store.now() + timedelta(days=1)

    def book_tomorrow(self, rid: str, party_size: int) -> BookedReservation:
        """Book a reservation in 24 hours; otherwise as `book_at`."""
        return self.book_at(rid, party_size, self.tomorrow())


@contextmanager
def serve_local_opentable() -> Iterator[LocalOpenTable]:
    """Serve a sandbox without restaurants during the block."""
    port = find_free_port()
    url = f"http://{LOOPBACK}:{port}"
    simulator = build_simulator(SimulatorConfig(zones={}, base_url=url))
    with serve_app(create_sandbox_app(simulator), port):
        yield LocalOpenTable(url, simulator.api)


REQUEST_ID = "6f0c2a1e-5b7d-4c39-9a44-0d1f7be2c8aa"


@dataclass
class ScriptedResponse:
    """A response with a JSON body, or with `body` as it is if it is bytes."""

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
    """Answers token requests from `tokens` and all others from `steps`; records the requests.

    The last step of a script repeats.
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
        """Return the requests with a text in their URL."""
        return [request for request in self.requests if part in (request.url or "")]


class SlowBody:
    """A body that sends one byte every `seconds` of the fake clock."""

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
    """A monotonic clock for tests: they set `seconds`."""

    def __init__(self, now: Callable[[], object]) -> None:
        self.seconds = 1_000.0
        self.clock = Clock(lambda: self.seconds, now)  # type: ignore[arg-type]
