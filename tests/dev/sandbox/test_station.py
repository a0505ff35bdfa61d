from collections.abc import Callable
from datetime import time
from threading import Event

import pytest
from typing_extensions import override

from dev.sandbox.book import Book
from dev.sandbox.desk import Desk
from dev.sandbox.life import Life
from dev.sandbox.signing import new_secret
from dev.sandbox.station import Plan, build, post
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
def test_speed_is_simulated_seconds_a_second(speed: float, book: Book) -> None:
    life, ticks = Life(book, RID, speed), Ticks(100)
    starts: list[float] = []
    book.listen(lambda *_: starts.append(life.at.timestamp() if life.at else 0))
    life.run(ticks)
    passed = (life.at.timestamp() if life.at else 0) - starts[0]
    assert passed <= ticks.waited * speed + 1
    assert passed > ticks.waited * speed * 0.5


def test_at_speed_zero_nothing_goes_on(book: Book) -> None:
    Life(book, RID, 0).run(Ticks(50))
    assert len(book.reservations(RID)) <= 1


def test_evenings_follow_one_another(book: Book) -> None:
    life = Life(book, RID, 1e6)
    life.run(Ticks(200))
    assert life.at is not None
    assert (life.at - book.now()).days >= 2


@pytest.mark.parametrize(
    "authorization,secret,letters",
    [("", "", 0), ("Bearer issued", "", 1), ("Bearer issued", new_secret(b"k" * 24), 2)],
)
def test_a_sender_is_attached_for_each_credential(
    authorization: str, secret: str, letters: int, counted: Callable[[Plan], int]
) -> None:
    plan = Plan(
        zones={RID: "America/New_York"},
        base_url="http://127.0.0.1",
        reservations=0,
        webhook_url="http://127.0.0.1:9/",
        authorization=authorization,
        signing_secret=secret,
        relay_share=1.0,
    )
    assert counted(plan) == letters


def test_a_first_evening_is_joined_at_its_opening_hour(book: Book) -> None:
    life = Life(book, RID, 0, opens=time(16, 30))
    life.run(Ticks(1))
    assert life.at is not None
    assert f"{life.at.astimezone(book.restaurant(RID).zone):%H:%M}" == "16:30"


def test_no_answer_is_status_0() -> None:
    assert post("http://127.0.0.1:9/", {}, b"{}") == 0


@pytest.fixture
def counted() -> Callable[[Plan], int]:
    def count(plan: Plan) -> int:
        station = build(plan)
        Desk(station.sandbox.book, RID).book(TONIGHT, 2)
        station.courier.run_due()
        return station.courier.counts["retried"]

    return count
