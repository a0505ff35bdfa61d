import pytest

from shared.core.keys import list_id_spellings

UUID = "259f4329-e6f4-490b-9a16-4106cf6a659e"


@pytest.mark.parametrize("prefix", ["", "555001-"])
def test_a_lower_cased_key_is_asked_for_in_capitals_too(prefix: str) -> None:
    assert list_id_spellings(prefix + UUID, "555001") == (prefix + UUID, prefix + UUID.upper())


@pytest.mark.parametrize(
    "open_table_id", [UUID.upper(), "259F4329-e6f4-490b-9a16-4106cf6a659e", "ot_1", "1" * 24]
)
def test_an_id_that_lost_no_case_is_asked_for_as_it_is(open_table_id: str) -> None:
    assert list_id_spellings(open_table_id, "555001") == (open_table_id,)
