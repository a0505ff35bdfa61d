from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger.events import (
    ACTOR_PRECEDENCE,
    Actor,
    Version,
    is_representable_instant,
    version_from_map,
    version_to_map,
)
from tests.strategies.events import NOON, instants

LATER = NOON + timedelta(seconds=1)


def test_a_higher_sequence_is_newer_regardless_of_timestamps() -> None:
    assert Version.from_sequence(2, NOON) > Version.from_sequence(1, LATER)


def test_equal_sequences_are_ordered_by_update_time() -> None:
    assert Version.from_sequence(1, LATER) > Version.from_sequence(1, NOON)


def test_envelopes_are_ordered_by_time_before_id() -> None:
    assert Version.from_timestamp(LATER, "evt-a") > Version.from_timestamp(NOON, "evt-b")


def test_envelopes_with_equal_times_are_ordered_by_id() -> None:
    assert Version.from_timestamp(NOON, "evt-b") > Version.from_timestamp(NOON, "evt-a")


def test_at_one_time_the_type_decides_before_the_id() -> None:
    assert Version.from_timestamp(NOON, "evt-a", 1) > Version.from_timestamp(NOON, "evt-b", 0)
    assert Version.from_timestamp(LATER, "evt-a", 0) > Version.from_timestamp(NOON, "evt-b", 2)


def test_every_actor_has_a_place_in_the_precedence() -> None:
    assert set(ACTOR_PRECEDENCE) == set(Actor)
    assert len(ACTOR_PRECEDENCE) == len(Actor)


versions = st.builds(Version.from_sequence, st.integers(0, 2**63 - 1), instants) | st.builds(
    Version.from_timestamp, instants, st.text(min_size=1), st.integers(0, 2)
)


@given(versions)
def test_a_version_is_read_back_as_it_was_stored(version: Version) -> None:
    assert version_from_map(version_to_map(version)) == version


def test_an_objects_version_stores_no_id() -> None:
    assert version_to_map(Version.from_sequence(0, NOON)) == {"at": NOON, "sequenceId": 0}


def test_an_envelopes_version_stores_no_sequence() -> None:
    assert version_to_map(Version.from_timestamp(NOON, "evt-1")) == {"at": NOON, "id": "evt-1"}


def test_only_the_version_of_an_object_loses_the_fraction_of_its_second() -> None:
    at = NOON + timedelta(microseconds=1)
    relay, row = Version.from_timestamp(at, "evt-a"), Version.from_sequence(1, at)
    assert version_from_map(version_to_map(relay)) == relay
    assert version_from_map(version_to_map(row)) == Version.from_sequence(1, NOON)


def test_the_first_and_the_last_day_of_the_calendar_are_not_representable() -> None:
    first, last = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
    microsecond = timedelta(microseconds=1)
    assert is_representable_instant(first)
    assert is_representable_instant(last)
    assert not is_representable_instant(first - microsecond)
    assert not is_representable_instant(last + microsecond)
