from hypothesis import given
from hypothesis import strategies as st

from shared.core.change import Version
from shared.core.versions import stored_version, version_from
from tests.strategies.objects import NOON, instants

versions = st.builds(Version.of_object, st.integers(0, 2**63 - 1), instants) | st.builds(
    Version.of_envelope, instants, st.text(min_size=1)
)


@given(versions)
def test_a_version_is_read_back_as_it_was_stored(version: Version) -> None:
    assert version_from(stored_version(version)) == version


def test_an_objects_version_stores_no_id() -> None:
    assert stored_version(Version.of_object(0, NOON)) == {"at": NOON, "sequenceId": 0}


def test_an_envelopes_version_stores_no_sequence() -> None:
    assert stored_version(Version.of_envelope(NOON, "evt-1")) == {"at": NOON, "id": "evt-1"}
