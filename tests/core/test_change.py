from datetime import timedelta

from shared.core.change import Actor, Version
from tests.strategies.objects import NOON

LATER = NOON + timedelta(seconds=1)


def test_a_higher_sequence_is_newer_regardless_of_timestamps() -> None:
    assert Version.from_sequence(2, NOON) > Version.from_sequence(1, LATER)


def test_equal_sequences_are_ordered_by_update_time() -> None:
    assert Version.from_sequence(1, LATER) > Version.from_sequence(1, NOON)


def test_envelopes_are_ordered_by_time_before_id() -> None:
    assert Version.from_timestamp(LATER, "evt-a") > Version.from_timestamp(NOON, "evt-b")


def test_envelopes_with_equal_times_are_ordered_by_id() -> None:
    assert Version.from_timestamp(NOON, "evt-b") > Version.from_timestamp(NOON, "evt-a")


def test_the_more_authoritative_actor_comes_first() -> None:
    assert list(Actor) == [Actor.OPENTABLE, Actor.RELAY, Actor.LINEUP]
