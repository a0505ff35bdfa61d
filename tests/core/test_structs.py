"""What somebody wrote is read whole, or refused with everything that is wrong with it."""

import contextlib
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from shared.core.structs import InvalidFieldsError, RedactedStruct, read_struct

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Table(Struct, frozen=True):
    """A struct as the product has them."""

    seats: Annotated[int, Meta(ge=1)] = field(default=2, name="Seats")
    guest: str | None = None
    dishes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.dishes) > self.seats:
            raise ValueError("more dishes than seats")


def refused(**given: object) -> dict[str, str]:
    with pytest.raises(InvalidFieldsError) as caught:
        read_struct(Table, given)
    return dict(caught.value.problems)


def test_what_is_not_written_is_as_by_default() -> None:
    assert read_struct(Table, {}) == Table()


def test_a_field_is_read_by_its_written_name_and_strangers_are_ignored() -> None:
    assert read_struct(Table, {"Seats": 4, "seats": "x", "more": []}) == Table(4)


def test_everything_wrong_is_told_at_once_by_its_written_name() -> None:
    told = refused(Seats=0, guest=7, dishes=["fish", None])
    assert list(told) == ["Seats", "guest", "dishes"]
    assert "[1]" in told["dishes"]


def test_what_does_not_go_together_is_told_of_the_whole() -> None:
    assert refused(Seats=1, dishes=["fish", "meat"]) == {"": "more dishes than seats"}


def test_half_a_character_is_refused() -> None:
    assert refused(guest="\ud800").keys() == {"guest"}


def test_a_reader_makes_of_a_written_value_the_one_that_is_held() -> None:
    assert read_struct(Table, {"Seats": "4"}, {"Seats": int}) == Table(4)


def test_what_a_reader_refuses_is_told_with_the_rest() -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        read_struct(Table, {"Seats": "x", "guest": 7}, {"Seats": int})
    assert caught.value.problems.keys() == {"Seats", "guest"}


def test_a_refusal_quotes_no_value() -> None:
    assert "hush" not in str(refused(Seats="hush", guest=["hush"], dishes={"hush": "hush"}))


@given(st.dictionaries(st.sampled_from(["Seats", "guest", "dishes"]), json_values))
def test_any_json_is_read_or_refused(written: dict[str, object]) -> None:
    with contextlib.suppress(InvalidFieldsError):
        assert isinstance(read_struct(Table, written), Table)


def test_what_is_not_to_be_shown_is_shown_nowhere() -> None:
    class Key(RedactedStruct, frozen=True):
        text: str

    key = Key("hush")
    assert (key.text, repr(key), key.__rich_repr__()) == ("hush", "Key()", [])
