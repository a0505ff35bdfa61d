from datetime import timedelta

from shared.core.change import Speaker, Version
from tests.strategies.objects import NOON

LATER = NOON + timedelta(seconds=1)


def test_a_higher_sequence_is_newer_whatever_its_clock_says() -> None:
    assert Version.of_object(2, NOON) > Version.of_object(1, LATER)


def test_one_sequence_is_ordered_by_the_time_of_its_update() -> None:
    assert Version.of_object(1, LATER) > Version.of_object(1, NOON)


def test_envelopes_are_ordered_by_time_before_id() -> None:
    assert Version.of_envelope(LATER, "evt-a") > Version.of_envelope(NOON, "evt-b")


def test_envelopes_of_one_time_are_ordered_by_id() -> None:
    assert Version.of_envelope(NOON, "evt-b") > Version.of_envelope(NOON, "evt-a")


def test_the_more_authoritative_speaker_comes_first() -> None:
    assert list(Speaker) == [Speaker.OPENTABLE, Speaker.RELAY, Speaker.LINEUP]
