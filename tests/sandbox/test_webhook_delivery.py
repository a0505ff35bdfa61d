from dataclasses import dataclass, field
from datetime import datetime

import pytest

from sandbox.clock import ManualClock
from sandbox.webhook_delivery import (
    RELAY_RETRY_SCHEDULE,
    THREE_ATTEMPTS,
    Delivery,
    RetrySchedule,
    WebhookDispatcher,
    deliver_all,
)


@dataclass
class Receiver:
    """Respond with the given statuses, then 200, and record the requests."""

    clock: ManualClock
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[float, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = self.clock()

    def post(self, _url: str, _headers: dict[str, str], body: bytes) -> int:
        self.got.append(((self.clock() - self.start).total_seconds(), body))
        return self.statuses.pop(0) if self.statuses else 200

    def times(self) -> list[float]:
        return [seconds for seconds, _ in self.got]

    def bodies(self) -> list[bytes]:
        return [body for _, body in self.got]


def new_delivery(body: bytes = b"{}", patience: RetrySchedule = THREE_ATTEMPTS) -> Delivery:
    def headers(_now: datetime, _body: bytes) -> dict[str, str]:
        return {}

    return Delivery("https://receiver.example", body, headers, patience)


@pytest.fixture
def receiver(clock: ManualClock) -> Receiver:
    return Receiver(clock)


@pytest.fixture
def dispatcher(receiver: Receiver, clock: ManualClock) -> WebhookDispatcher:
    return WebhookDispatcher(receiver.post, clock)


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_is_success(
    status: int, dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [status]
    dispatcher.enqueue(new_delivery())
    deliver_all(dispatcher, clock)
    assert dispatcher.counts["delivered"] == len(receiver.got) == 1


@pytest.mark.parametrize("status", [0, 301, 401, 503])
def test_any_other_response_is_retried(
    status: int, dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.statuses = [status]
    dispatcher.enqueue(new_delivery())
    deliver_all(dispatcher, clock)
    assert len(receiver.got) == 2


@pytest.mark.parametrize(
    "patience,times",
    [
        (THREE_ATTEMPTS, [0, 1, 2]),
        (RELAY_RETRY_SCHEDULE, [0, 1, 3, 7, 15, 31, 63, 127]),
    ],
)
def test_attempts_follow_the_schedule_and_end(
    patience: RetrySchedule,
    times: list[float],
    dispatcher: WebhookDispatcher,
    receiver: Receiver,
    clock: ManualClock,
) -> None:
    receiver.statuses = [503] * 20
    dispatcher.enqueue(new_delivery(patience=patience))
    deliver_all(dispatcher, clock)
    assert receiver.times() == times
    assert dispatcher.counts["given_up"] == 1


def test_an_event_of_more_than_a_minute_is_never_sent(
    dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    dispatcher.enqueue(new_delivery())
    clock.advance(61)
    dispatcher.send_due()
    assert (receiver.got, dispatcher.counts["stale"]) == ([], 1)


def test_nothing_is_sent_before_its_time(
    dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    dispatcher.faults.delay = 30
    dispatcher.enqueue(new_delivery())
    clock.advance(29)
    dispatcher.send_due()
    assert receiver.got == []


def test_a_delayed_event_still_arrives(
    dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    dispatcher.faults.delay = 1800
    dispatcher.enqueue(new_delivery())
    deliver_all(dispatcher, clock)
    assert receiver.times() == [1800]


def test_a_duplicate_arrives_twice(
    dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    dispatcher.faults.duplicate = 1
    dispatcher.enqueue(new_delivery(b"a"))
    deliver_all(dispatcher, clock)
    assert receiver.bodies() == [b"a", b"a"]


def test_dropping_loses_its_share(
    dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    dispatcher.faults.drop = 0.5
    for _ in range(400):
        dispatcher.enqueue(new_delivery())
    deliver_all(dispatcher, clock)
    assert 150 < len(receiver.got) < 250
    assert dispatcher.counts["lost"] == 400 - len(receiver.got)


def test_reordering_lets_later_events_overtake(
    dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    dispatcher.faults.reorder = 0.5
    sent = [bytes([n]) for n in range(20)]
    for body in sent:
        dispatcher.enqueue(new_delivery(body))
    deliver_all(dispatcher, clock)
    assert sent == sorted(receiver.bodies()) != receiver.bodies()


def test_a_replay_brings_an_old_body_along(
    dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    dispatcher.enqueue(new_delivery(b"old"))
    dispatcher.faults.replay = 1
    dispatcher.enqueue(new_delivery(b"new"))
    deliver_all(dispatcher, clock)
    assert receiver.bodies() == [b"old", b"new", b"old"]


def test_events_during_silence_are_never_sent(
    dispatcher: WebhookDispatcher, receiver: Receiver, clock: ManualClock
) -> None:
    dispatcher.faults.silent = True
    dispatcher.enqueue(new_delivery(b"a"))
    dispatcher.faults.silent = False
    dispatcher.enqueue(new_delivery(b"b"))
    deliver_all(dispatcher, clock)
    assert receiver.bodies() == [b"b"]


def test_paused_events_are_sent_in_one_burst(
    dispatcher: WebhookDispatcher, receiver: Receiver
) -> None:
    dispatcher.faults.holding = True
    for _ in range(5):
        dispatcher.enqueue(new_delivery())
        dispatcher.send_due()
    assert receiver.got == []
    dispatcher.faults.holding = False
    dispatcher.send_due()
    assert len(receiver.got) == 5


def test_the_queue_is_bounded(
    dispatcher: WebhookDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.webhook_delivery.MAX_QUEUED_DELIVERIES", 3)
    for _ in range(5):
        dispatcher.enqueue(new_delivery())
    assert dispatcher.counts["lost"] == 2
