from datetime import time
from threading import Event

import pytest
from typing_extensions import override

from sandbox.actions import ReservationActions
from sandbox.service_simulation import SimulationLoop
from sandbox.simulator import post_webhook
from sandbox.store import SandboxStore
from sandbox.webhook_senders import encode_signing_secret
from tests.sandbox.client import RID, SANDBOX_VISIT_TIME, new_simulator


class FakeTicks(Event):
    """Lets time pass at once, adds it up, and stops after so many ticks."""

    def __init__(self, ticks: int) -> None:
        super().__init__()
        self.left = ticks
        self.waited = 0.0

    @override
    def wait(self, timeout: float | None = None) -> bool:
        self.waited += timeout or 0
        self.left -= 1
        if self.left <= 0:
            self.set()
        return self.is_set()


@pytest.mark.parametrize("speed", [60, 600])
def test_speed_is_simulated_seconds_a_second(speed: float, store: SandboxStore) -> None:
    life, ticks = SimulationLoop(store, RID, speed), FakeTicks(100)
    starts: list[float] = []
    store.add_listener(
        lambda *_: starts.append(life.simulated_time.timestamp() if life.simulated_time else 0)
    )
    life.run(ticks)
    passed = (life.simulated_time.timestamp() if life.simulated_time else 0) - starts[0]
    assert passed <= ticks.waited * speed + 1
    assert passed > ticks.waited * speed * 0.5


def test_at_speed_zero_nothing_happens(store: SandboxStore) -> None:
    SimulationLoop(store, RID, 0).run(FakeTicks(50))
    assert len(store.list_reservations(RID)) <= 1


def test_services_follow_one_another(store: SandboxStore) -> None:
    life = SimulationLoop(store, RID, 1e6)
    life.run(FakeTicks(200))
    assert life.simulated_time is not None
    assert (life.simulated_time - store.now()).days >= 2


@pytest.mark.parametrize(
    "authorization, secret, attempts",
    [("", "", 0), ("Bearer issued", "", 1), ("Bearer issued", encode_signing_secret(b"k" * 24), 2)],
)
def test_a_sender_is_attached_for_each_credential(
    authorization: str, secret: str, attempts: int
) -> None:
    simulator = new_simulator(
        webhook_url="http://127.0.0.1:9/", authorization=authorization, signing_secret=secret
    )
    ReservationActions(simulator.api.store, RID).create(SANDBOX_VISIT_TIME, 2)
    simulator.dispatcher.send_due()
    assert simulator.dispatcher.counts["retried"] == attempts


def test_the_first_service_starts_at_its_opening_hour(store: SandboxStore) -> None:
    life = SimulationLoop(store, RID, 0, start_time=time(16, 30))
    life.run(FakeTicks(1))
    assert life.simulated_time is not None
    assert f"{life.simulated_time.astimezone(store.get_restaurant(RID).zone):%H:%M}" == "16:30"


def test_no_answer_is_status_0() -> None:
    assert post_webhook("http://127.0.0.1:9/", {}, b"{}") == 0
