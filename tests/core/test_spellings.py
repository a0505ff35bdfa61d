import pytest

from shared.core.keys import list_id_spellings

LOWERCASE_UUID = "259f4329-e6f4-490b-9a16-4106cf6a659e"


@pytest.mark.parametrize("prefix", ["", "555001-"])
def test_a_lowercase_key_is_also_requested_in_uppercase(prefix: str) -> None:
    assert list_id_spellings(prefix + LOWERCASE_UUID, "555001") == (
        prefix + LOWERCASE_UUID,
        prefix + LOWERCASE_UUID.upper(),
    )


@pytest.mark.parametrize(
    "open_table_id",
    [LOWERCASE_UUID.upper(), "259F4329-e6f4-490b-9a16-4106cf6a659e", "ot_1", "1" * 24],
)
def test_a_case_sensitive_id_is_requested_unchanged(open_table_id: str) -> None:
    assert list_id_spellings(open_table_id, "555001") == (open_table_id,)
