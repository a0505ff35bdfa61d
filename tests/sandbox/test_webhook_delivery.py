import pytest

from sandbox.webhook_delivery import (
    ONE_AND_THREE_RETRIES,
    RELAY_RETRY_SCHEDULE,
    THREE_ATTEMPTS,
    RetrySchedule,
)
from tests.sandbox.client import Inbox


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_is_success(status: int, inbox: Inbox) -> None:
    inbox.statuses = [status]
    inbox.enqueue()
    inbox.deliver_all()
    assert inbox.dispatcher.counts["delivered"] == len(inbox.bodies) == 1


@pytest.mark.parametrize("status", [0, 301, 401, 503])
def test_any_other_response_is_retried(status: int, inbox: Inbox) -> None:
    inbox.statuses = [status]
    inbox.enqueue()
    inbox.deliver_all()
    assert len(inbox.bodies) == 2


@pytest.mark.parametrize(
    "schedule, seconds",
    [
        (THREE_ATTEMPTS, [0, 1, 2]),
        (ONE_AND_THREE_RETRIES, [0, 1, 2, 3]),
        (RELAY_RETRY_SCHEDULE, [0, 1, 3, 7, 15, 31, 63, 127]),
    ],
)
def test_attempts_follow_the_schedule_and_end(
    schedule: RetrySchedule, seconds: list[float], inbox: Inbox
) -> None:
    inbox.statuses = [503] * 20
    inbox.enqueue(schedule=schedule)
    inbox.deliver_all()
    assert inbox.seconds == seconds
    assert inbox.dispatcher.counts["given_up"] == 1


def test_an_event_of_more_than_a_minute_is_never_sent(inbox: Inbox) -> None:
    inbox.enqueue()
    inbox.clock.advance(61)
    inbox.dispatcher.send_due()
    assert (inbox.bodies, inbox.dispatcher.counts["stale"]) == ([], 1)


def test_nothing_is_sent_before_its_time(inbox: Inbox) -> None:
    inbox.dispatcher.faults.delay = 30
    inbox.enqueue()
    inbox.clock.advance(29)
    inbox.dispatcher.send_due()
    assert inbox.bodies == []


def test_a_delayed_event_still_arrives(inbox: Inbox) -> None:
    inbox.dispatcher.faults.delay = 1800
    inbox.enqueue()
    inbox.deliver_all()
    assert inbox.seconds == [1800]


def test_a_duplicate_arrives_twice(inbox: Inbox) -> None:
    inbox.dispatcher.faults.duplicate = 1
    inbox.enqueue(b"a")
    inbox.deliver_all()
    assert inbox.bodies == [b"a", b"a"]


def test_dropping_loses_its_share(inbox: Inbox) -> None:
    inbox.dispatcher.faults.drop = 0.5
    for _ in range(400):
        inbox.enqueue()
    inbox.deliver_all()
    assert 150 < len(inbox.bodies) < 250
    assert inbox.dispatcher.counts["lost"] == 400 - len(inbox.bodies)


def test_reordering_lets_later_events_overtake(inbox: Inbox) -> None:
    inbox.dispatcher.faults.reorder = 0.5
    sent = [bytes([n]) for n in range(20)]
    for body in sent:
        inbox.enqueue(body)
    inbox.deliver_all()
    assert sent == sorted(inbox.bodies) != inbox.bodies


def test_a_replay_brings_an_old_body_along(inbox: Inbox) -> None:
    inbox.enqueue(b"old")
    inbox.dispatcher.faults.replay = 1
    inbox.enqueue(b"new")
    inbox.deliver_all()
    assert inbox.bodies == [b"old", b"new", b"old"]


def test_events_during_silence_are_never_sent(inbox: Inbox) -> None:
    inbox.dispatcher.faults.silent = True
    inbox.enqueue(b"a")
    inbox.dispatcher.faults.silent = False
    inbox.enqueue(b"b")
    inbox.deliver_all()
    assert inbox.bodies == [b"b"]


def test_paused_events_are_sent_in_one_burst(inbox: Inbox) -> None:
    inbox.dispatcher.faults.holding = True
    for _ in range(5):
        inbox.enqueue()
        inbox.dispatcher.send_due()
    assert inbox.bodies == []
    inbox.dispatcher.faults.holding = False
    inbox.dispatcher.send_due()
    assert len(inbox.bodies) == 5


def test_the_queue_is_bounded(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.webhook_delivery.MAX_QUEUED_DELIVERIES", 3)
    for _ in range(5):
        inbox.enqueue()
    assert inbox.dispatcher.counts["lost"] == 2
