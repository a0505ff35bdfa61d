from shared.concurrency import SYSTEM_CLOCK, Deadline
from tests.support.opentable import FakeMonotonicClock


def test_a_deadline_counts_down(fake_clock: FakeMonotonicClock) -> None:
    deadline = Deadline.after(10, fake_clock.clock)
    fake_clock.seconds += 4
    assert deadline.remaining() == 6


def test_a_passed_deadline_has_nothing_left(fake_clock: FakeMonotonicClock) -> None:
    deadline = Deadline.after(10, fake_clock.clock)
    fake_clock.seconds += 11
    assert deadline.remaining() == 0


def test_a_part_may_end_sooner_than_the_whole(fake_clock: FakeMonotonicClock) -> None:
    assert Deadline.after(10, fake_clock.clock).within(3).remaining() == 3


def test_a_part_never_ends_later_than_the_whole(fake_clock: FakeMonotonicClock) -> None:
    assert Deadline.after(10, fake_clock.clock).within(30).remaining() == 10


def test_the_system_knows_its_zone() -> None:
    assert SYSTEM_CLOCK.now().tzinfo is not None
