import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.normalization import identifiers
from shared.domain.normalization.identifiers import list_id_spellings
from shared.errors import InvalidEventError

UUID = "2B7E9F40-6c1d-4F0A-8e55-91C7D0A4BE13"
OBJECT_ID = "65AA01bb02cc03dd04ee05ff"


def test_a_key_drops_its_own_restaurants_prefix() -> None:
    assert identifiers.build_external_key("555001-ot_1", "555001") == "ot_1"


def test_a_key_keeps_another_restaurants_prefix() -> None:
    assert identifiers.build_external_key("555002-ot_1", "555001") == "555002-ot_1"


@pytest.mark.parametrize("key", [UUID, OBJECT_ID, "12345678-1234-1234-1234-123456789012"])
def test_a_uuid_or_object_id_drops_the_prefix_of_an_earlier_rid(key: str) -> None:
    assert identifiers.build_external_key(f"555002-{key}", "555001") == key.lower()
    assert identifiers.add_rid_prefix(f"555002-{key}", "555001") == f"555001-{key}"
    assert identifiers.build_external_key(key, "555001") == key.lower()


@pytest.mark.parametrize("open_table_id", ["abc", "1-abc"])
def test_a_missing_prefix_is_completed(open_table_id: str) -> None:
    assert identifiers.add_rid_prefix(open_table_id, "1") == "1-abc"


def test_a_key_drops_one_prefix_only() -> None:
    assert identifiers.build_external_key("7-7-x", "7") == "7-x"


def test_a_restaurant_without_a_number_has_no_prefix_to_drop() -> None:
    assert identifiers.build_external_key("555001-ot_1", None) == "555001-ot_1"


@pytest.mark.parametrize("key", [UUID, OBJECT_ID])
def test_uuids_and_object_ids_are_case_insensitive(key: str) -> None:
    assert (
        identifiers.build_external_key(f"1-{key}", "1")
        == identifiers.build_external_key(key.upper(), "1")
        == key.lower()
    )


@pytest.mark.parametrize("key", ["OT_1", UUID + "0", OBJECT_ID[1:]])
def test_other_keys_are_case_sensitive(key: str) -> None:
    assert identifiers.build_external_key(key, "1") == key


@pytest.mark.parametrize("key", ["", "a b", "a/b", "é", "a\n", "x" * 201, "1-", "٣"])
def test_an_invalid_key_is_rejected(key: str) -> None:
    with pytest.raises(InvalidEventError) as raised:
        identifiers.build_external_key(key, "1")
    assert raised.value.reason == "invalid_id"


@pytest.mark.parametrize("key", ["x" * 200, "A-z_0.9:"])
def test_every_allowed_character_and_length_is_accepted(key: str) -> None:
    assert identifiers.build_external_key(key, "1") == key


def test_an_error_does_not_quote_the_id() -> None:
    with pytest.raises(InvalidEventError) as raised:
        identifiers.build_external_key("John Doe", "1")
    assert "John" not in str(raised.value)


@pytest.mark.parametrize("open_table_id", ["ot_1", "555001-ot_1"])
def test_an_api_id_has_the_prefix_once(open_table_id: str) -> None:
    assert identifiers.build_canonical_id(open_table_id, "555001") == "555001-ot_1"


@pytest.mark.parametrize("key", [UUID, OBJECT_ID, UUID.upper()])
def test_an_api_id_has_a_caseless_key_in_lower_case(key: str) -> None:
    assert identifiers.build_canonical_id(key, "1") == f"1-{key.lower()}"
    assert identifiers.lower_caseless_key(f"1-{key}") == f"1-{key.lower()}"


@pytest.mark.parametrize("key", ["OT_1", UUID + "A", ""])
def test_an_api_id_keeps_the_case_of_another_key(key: str) -> None:
    assert identifiers.build_canonical_id(key, "1") == f"1-{key}"


def test_a_document_id_is_built_from_its_key() -> None:
    assert identifiers.build_reservation_document_id("ot_1") == "opentable-ot_1"


def test_a_row_event_id_is_built_from_its_sequence() -> None:
    assert identifiers.build_object_event_id(40217) == "seq-40217"


def test_an_envelope_event_id_is_built_from_its_id() -> None:
    assert identifiers.build_envelope_event_id("evt_1") == "evt-evt_1"


def test_an_envelope_id_that_is_a_uuid_has_one_event_id_in_either_case() -> None:
    assert identifiers.build_envelope_event_id(UUID) == f"evt-{UUID.lower()}"


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
    identifiers.is_document_id: [
        *("", ".", "..", "__a__", "____", "a/b", "a\n", "\x7f", "x" * 301),
    ],
}


@pytest.mark.parametrize("check, text", [(c, text) for c, texts in VALID.items() for text in texts])
def test_a_valid_id_is_accepted(check: Check, text: str) -> None:
    assert check(text)


@pytest.mark.parametrize(
    "check, text", [(c, text) for c, texts in INVALID.items() for text in texts]
)
def test_an_invalid_id_does_not_pass_its_check(check: Check, text: str) -> None:
    assert not check(text)


@pytest.mark.parametrize("guest_id", ["555001-g", "g"])
def test_a_guests_key_drops_the_restaurants_prefix(guest_id: str) -> None:
    assert identifiers.build_guest_key(guest_id, "555001") == "g"


@pytest.mark.parametrize("guest_id", ["a b", "555001-", ".", "..", "__a__", "x" * 201])
def test_a_guest_id_unusable_as_document_id_has_no_key(guest_id: str) -> None:
    assert identifiers.build_guest_key(guest_id, "555001") is None


LOWERCASE_UUID = "259f4329-e6f4-490b-9a16-4106cf6a659e"


@pytest.mark.parametrize("prefix", ["", "555001-"])
@pytest.mark.parametrize(
    "written",
    [LOWERCASE_UUID, LOWERCASE_UUID.upper(), "259F4329-e6f4-490b-9a16-4106cf6a659e"],
)
def test_a_caseless_key_is_requested_as_written_and_in_both_cases(
    prefix: str, written: str
) -> None:
    first, *others = list_id_spellings(prefix + written, "555001")
    assert first == prefix + written
    expected = {prefix + LOWERCASE_UUID.upper(), prefix + LOWERCASE_UUID} - {first}
    assert sorted(others) == sorted(expected)


@pytest.mark.parametrize("open_table_id", ["ot_1", "OT_1", "1" * 24])
def test_a_case_sensitive_id_is_requested_unchanged(open_table_id: str) -> None:
    assert list_id_spellings(open_table_id, "555001") == (open_table_id,)
