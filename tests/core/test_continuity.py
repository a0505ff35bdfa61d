from hypothesis import given
from hypothesis import strategies as st

from shared.core.continuity import RowVersion, append_page, overlap_error, read_row_version

TRAIL = tuple(RowVersion(key, "1") for key in "abcdef")
KEYS = frozenset("abcdef")

json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("id"), inner),
)


def page(text: str) -> tuple[RowVersion, ...]:
    return tuple(RowVersion(key.lower(), "2" if key.isupper() else "1") for key in text)


def test_a_page_starting_with_the_previous_tail_is_continuous() -> None:
    assert overlap_error(TRAIL, KEYS, page("efgh")) is None


def test_one_repeated_row_proves_continuity() -> None:
    assert overlap_error(TRAIL, KEYS, page("fgh")) is None


def test_a_page_without_repeated_rows_is_not_continuous() -> None:
    assert "seen again" in str(overlap_error(TRAIL, KEYS, page("gh")))


def test_a_row_in_another_version_is_not_a_repeated_row() -> None:
    assert "seen again" in str(overlap_error(TRAIL, KEYS, page("Fgh")))


def test_reordered_rows_are_not_continuous() -> None:
    assert "changed places" in str(overlap_error(TRAIL, KEYS, page("feg")))


def test_an_unknown_row_before_repeated_rows_is_not_continuous() -> None:
    assert "never seen" in str(overlap_error(TRAIL, KEYS, page("xefg")))


def test_a_row_changed_in_place_keeps_continuity() -> None:
    assert overlap_error(TRAIL, KEYS, page("dEfg")) is None


def test_more_gaps_than_repeated_rows_are_not_continuous() -> None:
    assert "too few" in str(overlap_error(TRAIL, KEYS, page("dgh")))


def test_a_page_ending_inside_the_overlap_leaves_no_gap() -> None:
    assert overlap_error(TRAIL, KEYS, page("ab")) is None


def test_appending_a_page_keeps_rows_before_the_overlap() -> None:
    assert append_page(TRAIL, page("Defg")) == (*TRAIL[:4], *page("efg"))


def test_a_row_is_identified_by_id_and_version() -> None:
    row = {"id": "1-a", "sequence_id": 7, "updated_at_utc": "2026-03-09T12:30:44Z"}
    assert read_row_version(row) == RowVersion("1-a", "7 '2026-03-09T12:30:44Z'")


def test_a_new_sequence_is_another_version() -> None:
    assert read_row_version({"id": "a", "sequence_id": 1}) != read_row_version(
        {"id": "a", "sequence_id": 2}
    )


def test_a_new_update_time_is_another_version() -> None:
    assert read_row_version({"id": "a", "updated_at_utc": "x"}) != read_row_version(
        {"id": "a", "updated_at_utc": "y"}
    )


def test_an_item_without_an_id_is_identified_by_its_content() -> None:
    assert read_row_version({"id": "", "a": 1, "b": 2}) == read_row_version(
        {"b": 2, "a": 1, "id": ""}
    )


@given(json_values)
def test_any_json_value_has_a_row_version(value: object) -> None:
    assert read_row_version(value) == read_row_version(value)
