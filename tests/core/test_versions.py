from hypothesis import given
from hypothesis import strategies as st

from shared.core.change import Version
from shared.core.versions import version_from_map, version_to_map
from tests.strategies.objects import NOON, instants

versions = st.builds(Version.from_sequence, st.integers(0, 2**63 - 1), instants) | st.builds(
    Version.from_timestamp, instants, st.text(min_size=1)
)


@given(versions)
def test_a_version_is_read_back_as_it_was_stored(version: Version) -> None:
    assert version_from_map(version_to_map(version)) == version


def test_an_objects_version_stores_no_id() -> None:
    assert version_to_map(Version.from_sequence(0, NOON)) == {"at": NOON, "sequenceId": 0}


def test_an_envelopes_version_stores_no_sequence() -> None:
    assert version_to_map(Version.from_timestamp(NOON, "evt-1")) == {"at": NOON, "id": "evt-1"}
