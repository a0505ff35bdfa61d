from collections.abc import Callable
from datetime import time
from threading import Event

import pytest
from typing_extensions import override

from dev.sandbox.book import SandboxStore
from dev.sandbox.desk import ReservationActions
from dev.sandbox.life import SimulationLoop
from dev.sandbox.signing import encode_signing_secret
from dev.sandbox.station import SimulatorConfig, build_simulator, post_webhook
from tests.dev.sandbox.caller import RID, TONIGHT


class Ticks(Event):
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
def test_speed_is_simulated_seconds_a_second(speed: float, book: SandboxStore) -> None:
    life, ticks = SimulationLoop(book, RID, speed), Ticks(100)
    starts: list[float] = []
    book.add_listener(
        lambda *_: starts.append(life.simulated_time.timestamp() if life.simulated_time else 0)
    )
    life.run(ticks)
    passed = (life.simulated_time.timestamp() if life.simulated_time else 0) - starts[0]
    assert passed <= ticks.waited * speed + 1
    assert passed > ticks.waited * speed * 0.5


def test_at_speed_zero_nothing_goes_on(book: SandboxStore) -> None:
    SimulationLoop(book, RID, 0).run(Ticks(50))
    assert len(book.list_reservations(RID)) <= 1


def test_evenings_follow_one_another(book: SandboxStore) -> None:
    life = SimulationLoop(book, RID, 1e6)
    life.run(Ticks(200))
    assert life.simulated_time is not None
    assert (life.simulated_time - book.now()).days >= 2


@pytest.mark.parametrize(
    "authorization,secret,letters",
    [("", "", 0), ("Bearer issued", "", 1), ("Bearer issued", encode_signing_secret(b"k" * 24), 2)],
)
def test_a_sender_is_attached_for_each_credential(
    authorization: str, secret: str, letters: int, counted: Callable[[SimulatorConfig], int]
) -> None:
    plan = SimulatorConfig(
        zones={RID: "America/New_York"},
        base_url="http://127.0.0.1",
        reservations=0,
        webhook_url="http://127.0.0.1:9/",
        authorization=authorization,
        signing_secret=secret,
        relay_share=1.0,
    )
    assert counted(plan) == letters


def test_a_first_evening_is_joined_at_its_opening_hour(book: SandboxStore) -> None:
    life = SimulationLoop(book, RID, 0, start_time=time(16, 30))
    life.run(Ticks(1))
    assert life.simulated_time is not None
    assert f"{life.simulated_time.astimezone(book.get_restaurant(RID).zone):%H:%M}" == "16:30"


def test_no_answer_is_status_0() -> None:
    assert post_webhook("http://127.0.0.1:9/", {}, b"{}") == 0


@pytest.fixture
def counted() -> Callable[[SimulatorConfig], int]:
    def count(plan: SimulatorConfig) -> int:
        station = build_simulator(plan)
        ReservationActions(station.api.store, RID).create(TONIGHT, 2)
        station.dispatcher.send_due()
        return station.dispatcher.counts["retried"]

    return count
