import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.api import OpenTableApi
from sandbox.background_bookings import populate_store
from sandbox.clock import ManualClock
from sandbox.http import SandboxRequest, SandboxResponse
from sandbox.models import SandboxRestaurant
from sandbox.simulator import Simulator, SimulatorConfig, build_simulator
from sandbox.store import SandboxStore
from sandbox.webhook_delivery import (
    THREE_ATTEMPTS,
    Delivery,
    RetrySchedule,
    WebhookDispatcher,
    deliver_all,
)

LIST_PATH = "/sync/v2/reservations"
RID = 555001
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)
SANDBOX_VISIT_TIME = datetime(2026, 3, 14, 19, 15, tzinfo=NEW_YORK)


def new_store(reservation_count: int = 0, seed: int = 0) -> SandboxStore:
    """Return a store with one restaurant, in the morning of the visit."""
    store = SandboxStore(ManualClock(NOW), seed)
    store.add_restaurant(SandboxRestaurant(RID, "Demo", NEW_YORK))
    populate_store(store, RID, reservation_count, seed)
    return store


def new_simulator(**config: Any) -> Simulator:
    """Return a simulator of one restaurant, without reservations by default."""
    defaults: dict[str, Any] = {"reservations": 0, "relay_share": 1.0}
    zones, base_url = {RID: NEW_YORK.key}, "http://testserver"
    return build_simulator(SimulatorConfig(zones=zones, base_url=base_url, **defaults | config))


@dataclass
class SandboxClient:
    """Send requests to the sandbox, with a valid token by default."""

    sandbox: OpenTableApi

    def get(
        self, path: str, query: Mapping[str, object] | None = None, *, bearer: str | None = "key"
    ) -> SandboxResponse:
        headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
        texts = {name: str(value) for name, value in (query or {}).items()}
        return self.sandbox.handle(SandboxRequest("GET", path, texts, headers))

    def listing(self, *, bearer: str | None = "key", **query: object) -> SandboxResponse:
        return self.get(LIST_PATH, {"rid": RID} | query, bearer=bearer)

    def payload(self, path: str = LIST_PATH, /, **query: object) -> dict[str, Any]:
        response = self.get(path, {"rid": RID} | query)
        assert response.status == 200, response.body
        return dict(json.loads(response.body))

    def keys(self, **query: object) -> list[str]:
        items = self.payload(**query)["items"]
        return [item["id"].removeprefix(f"{RID}-") for item in items]


class Inbox:
    """Receive webhooks: respond with the given statuses, then 200, and record the requests."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.dispatcher = WebhookDispatcher(self.post, clock)
        self.statuses: list[int] = []
        self.seconds: list[float] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self._start = clock()

    def post(self, _url: str, headers: dict[str, str], body: bytes) -> int:
        self.seconds.append((self.clock() - self._start).total_seconds())
        self.headers.append(headers)
        self.bodies.append(body)
        return self.statuses.pop(0) if self.statuses else 200

    def enqueue(self, body: bytes = b"{}", schedule: RetrySchedule = THREE_ATTEMPTS) -> None:
        self.dispatcher.enqueue(
            Delivery("https://receiver.example", body, lambda _now, _body: {}, schedule)
        )

    def deliver_all(self) -> None:
        deliver_all(self.dispatcher, self.clock)

    def read(self) -> list[dict[str, Any]]:
        self.deliver_all()
        return [json.loads(body) for body in self.bodies]
