import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.normalization.field_values import parse_status

TABLE = {
    "BOOKED": "NotConfirmed LeftMessage WrongNumber NoAnswer pending booked",
    "CONFIRMED": "Confirmed Late",
    "CHECKED_IN": "PartiallyArrived AllArrived checked_in arrived",
    "SEATED": "PartiallySeated Seated Appetizer Entree Dessert CheckDropped Paid Cleared BusTable",
    "COMPLETED": "Done AssumedDone AssumedSeated completed",
    "CANCELLED": "Cancelled canceled",
    "NO_SHOW": "NoShow no_show",
}
PAIRS = [(word, status) for status, words in TABLE.items() for word in words.split()]


@pytest.mark.parametrize("word, status", PAIRS)
def test_each_documented_state_has_a_status(word: str, status: str) -> None:
    assert parse_status(word) == status


@given(st.sampled_from(PAIRS), st.data())
def test_case_blanks_and_dashes_do_not_matter(pair: tuple[str, str], data: st.DataObject) -> None:
    word, status = pair
    letters = [data.draw(st.sampled_from([c.lower(), c.upper()])) for c in word]
    gaps = [data.draw(st.sampled_from(["", " ", "_", "-", "_ -"])) for _ in word]
    assert parse_status("".join(map("".join, zip(letters, gaps, strict=True)))) == status


@pytest.mark.parametrize("word", ["", " ", "bottle_service", "CancelledWeb", "course_1", "Done!"])
def test_an_unknown_state_has_no_status(word: str) -> None:
    assert parse_status(word) is None
