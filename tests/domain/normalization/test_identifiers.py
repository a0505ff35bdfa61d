import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.normalization import identifiers
from shared.errors import InvalidEventError

UUID = "2B7E9F40-6c1d-4F0A-8e55-91C7D0A4BE13"
OBJECT_ID = "65AA01bb02cc03dd04ee05ff"


@pytest.mark.parametrize(
    "open_table_id, rid, key",
    [
        pytest.param("555001-ot_1", "555001", "ot_1", id="the restaurant's prefix"),
        pytest.param("555002-ot_1", "555001", "555002-ot_1", id="another restaurant's prefix"),
        pytest.param("7-7-x", "7", "7-x", id="one prefix only"),
        pytest.param("555001-ot_1", None, "555001-ot_1", id="a restaurant without a number"),
        *((key, "1", key) for key in ("OT_1", UUID + "0", OBJECT_ID[1:], "x" * 200, "A-z_0.9:")),
    ],
)
def test_a_key_is_the_id_without_its_own_restaurants_prefix(
    open_table_id: str, rid: str | None, key: str
) -> None:
    assert identifiers.build_external_key(open_table_id, rid) == key


@pytest.mark.parametrize("key", [UUID, OBJECT_ID, "12345678-1234-1234-1234-123456789012"])
def test_a_uuid_or_object_id_drops_the_prefix_of_an_earlier_rid(key: str) -> None:
    assert identifiers.build_external_key(f"555002-{key}", "555001") == key.lower()
    assert identifiers.add_rid_prefix(f"555002-{key}", "555001") == f"555001-{key}"


@pytest.mark.parametrize("open_table_id", ["abc", "1-abc"])
def test_a_missing_prefix_is_completed(open_table_id: str) -> None:
    assert identifiers.add_rid_prefix(open_table_id, "1") == "1-abc"


@pytest.mark.parametrize("key", [UUID, OBJECT_ID])
def test_uuids_and_object_ids_are_case_insensitive(key: str) -> None:
    assert identifiers.build_external_key(f"1-{key}", "1") == key.lower()
    assert identifiers.build_external_key(key.upper(), "1") == key.lower()
    assert identifiers.lower_caseless_key(f"1-{key}") == f"1-{key.lower()}"


@pytest.mark.parametrize("key", ["OT_1", UUID + "A", ""])
def test_an_api_id_keeps_the_case_of_another_key(key: str) -> None:
    assert identifiers.lower_caseless_key(f"1-{key}") == f"1-{key}"


@pytest.mark.parametrize("key", ["", "a b", "a/b", "é", "a\n", "x" * 201, "1-", "٣", "John Doe"])
def test_an_invalid_key_is_rejected_without_quoting_it(key: str) -> None:
    with pytest.raises(InvalidEventError, match=r"^invalid_id: ") as raised:
        identifiers.build_external_key(key, "1")
    assert "John" not in str(raised.value)


def test_a_document_id_is_built_from_its_key() -> None:
    assert identifiers.build_reservation_document_id("ot_1") == "opentable-ot_1"


def test_a_row_event_id_is_built_from_its_sequence() -> None:
    assert identifiers.build_object_event_id(40217) == "seq-40217"


@pytest.mark.parametrize(
    "envelope_id, event_id", [("evt_1", "evt-evt_1"), (UUID, f"evt-{UUID.lower()}")]
)
def test_an_envelope_event_id_is_built_from_its_id_with_a_uuid_in_lower_case(
    envelope_id: str, event_id: str
) -> None:
    assert identifiers.build_envelope_event_id(envelope_id) == event_id


@pytest.mark.parametrize("envelope_id", ["a b", "a/b", "é", "x" * 201, "~", "\ud800"])
def test_an_envelope_id_that_cannot_be_a_name_is_hashed(envelope_id: str) -> None:
    digest = hashlib.sha256(envelope_id.encode("utf-8", "surrogatepass")).hexdigest()
    assert identifiers.build_envelope_event_id(envelope_id) == f"evt-~{digest}"


@given(st.text(st.characters()), st.text(st.characters()))
def test_two_envelope_ids_never_share_an_event_id(one: str, other: str) -> None:
    event_ids = {identifiers.build_envelope_event_id(id_) for id_ in (one, other)}
    assert len(event_ids) == len({one, other})


def test_an_id_that_looks_like_a_hash_never_equals_one() -> None:
    hashed = identifiers.build_envelope_event_id("a b").removeprefix("evt-")
    assert identifiers.build_envelope_event_id(hashed) != f"evt-{hashed}"


Check = Callable[[str], bool]
VALID: dict[Check, list[str]] = {
    identifiers.is_restaurant_id: ["restaurant-123", "A_b-9", "x" * 128],
    identifiers.is_rid: ["1", "9" * 18],
    identifiers.is_document_id: ["a", "é b", "...", "__a", "x" * 300],
}
INVALID: dict[Check, list[str]] = {
    identifiers.is_restaurant_id: ["", "a.b", "a/b", "é", "a\n", "x" * 129],
    identifiers.is_rid: ["", "9" * 19, "-1", "1a", "٣", "1\n"],
    identifiers.is_document_id: ["", ".", "..", "__a__", "____", "a/b", "a\n", "\x7f", "x" * 301],
}


@pytest.mark.parametrize("check", VALID)
def test_only_a_valid_id_passes_its_check(check: Check) -> None:
    assert list(filter(check, VALID[check] + INVALID[check])) == VALID[check]


@pytest.mark.parametrize("guest_id", ["555001-g", "g"])
def test_a_guests_key_drops_the_restaurants_prefix(guest_id: str) -> None:
    assert identifiers.build_guest_key(guest_id, "555001") == "g"


@pytest.mark.parametrize("guest_id", ["a b", "555001-", ".", "..", "__a__", "x" * 201])
def test_a_guest_id_unusable_as_document_id_has_no_key(guest_id: str) -> None:
    assert identifiers.build_guest_key(guest_id, "555001") is None


@pytest.mark.parametrize("prefix", ["", "555001-"])
@pytest.mark.parametrize("written", [UUID, UUID.upper(), UUID.lower()])
def test_a_caseless_key_is_requested_as_written_and_in_both_cases(
    prefix: str, written: str
) -> None:
    first, *others = identifiers.list_id_spellings(prefix + written, "555001")
    assert first == prefix + written
    expected = {prefix + UUID.upper(), prefix + UUID.lower()} - {first}
    assert sorted(others) == sorted(expected)


@pytest.mark.parametrize("open_table_id", ["ot_1", "OT_1", "1" * 24])
def test_a_case_sensitive_id_is_requested_unchanged(open_table_id: str) -> None:
    assert identifiers.list_id_spellings(open_table_id, "555001") == (open_table_id,)
