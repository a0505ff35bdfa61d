import contextlib
import math
from datetime import UTC, datetime
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from shared.domain.validation import (
    UNREADABLE_VALUE,
    InvalidFieldsError,
    read_count,
    read_map,
    read_struct,
    read_texts,
    replace_unreadable_values,
)
from tests.strategies.json_values import json_values

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


class Table(Struct, frozen=True):
    seats: Annotated[int, Meta(ge=1)] = field(default=2, name="Seats")
    guest: str | None = None
    dishes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.dishes) > self.seats:
            raise ValueError("more dishes than seats")


def read_problems(**raw_values: object) -> dict[str, str]:
    with pytest.raises(InvalidFieldsError) as raised:
        read_struct(Table, raw_values)
    return dict(raised.value.problems)


def test_missing_fields_have_their_default() -> None:
    assert read_struct(Table, {}) == Table()


def test_a_field_is_read_by_its_encoded_name_and_unknown_fields_are_ignored() -> None:
    assert read_struct(Table, {"Seats": 4, "seats": "x", "more": []}) == Table(4)


def test_all_problems_are_reported_by_encoded_name() -> None:
    problems = read_problems(Seats=0, guest=7, dishes=["fish", None])
    assert list(problems) == ["Seats", "guest", "dishes"]
    assert "[1]" in problems["dishes"]


def test_a_combination_error_is_reported_for_the_struct() -> None:
    assert read_problems(Seats=1, dishes=["fish", "meat"]) == {"": "more dishes than seats"}


def test_a_combination_error_may_name_its_field() -> None:
    class Course(Struct):
        dish: str = ""

        def __post_init__(self) -> None:
            raise InvalidFieldsError({"dish": "sold out"})

    with pytest.raises(InvalidFieldsError) as raised:
        read_struct(Course, {})
    assert raised.value.problems == {"dish": "sold out"}


def test_a_lone_surrogate_is_rejected() -> None:
    assert read_problems(guest="\ud800").keys() == {"guest"}


def test_a_reader_converts_the_encoded_value() -> None:
    assert read_struct(Table, {"Seats": "4"}, {"Seats": int}) == Table(4)


def test_reader_errors_are_reported_with_the_others() -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        read_struct(Table, {"Seats": "x", "guest": 7}, {"Seats": int})
    assert caught.value.problems.keys() == {"Seats", "guest"}


def test_the_text_of_an_error_lists_every_problem() -> None:
    assert str(InvalidFieldsError({"guest": "too long", "Seats": "missing"})) == "missing; too long"


def test_an_error_contains_no_value() -> None:
    assert "hush" not in str(read_problems(Seats="hush", guest=["hush"], dishes={"hush": "hush"}))


@given(st.dictionaries(st.sampled_from(["Seats", "guest", "dishes"]), json_values))
def test_any_json_is_read_or_rejected(raw_values: dict[str, object]) -> None:
    with contextlib.suppress(InvalidFieldsError):
        assert isinstance(read_struct(Table, raw_values), Table)


def test_a_value_that_json_can_contain_stays() -> None:
    stored = {"notes": ["window", None], "size": 4, "rate": 0.5, "shown": True, "at": NOON}
    assert replace_unreadable_values(stored) == stored


@pytest.mark.parametrize(
    "value", [math.nan, -math.inf, b"x", object()], ids=["nan", "infinity", "bytes", "reference"]
)
def test_a_value_that_json_cannot_contain_is_replaced_at_any_depth(value: object) -> None:
    stored = {"notes": ["window", value], "by": {"tag": value}, "at": NOON}
    assert replace_unreadable_values(stored) == {
        "notes": ["window", UNREADABLE_VALUE],
        "by": {"tag": UNREADABLE_VALUE},
        "at": NOON,
    }


@pytest.mark.parametrize("document", [{}, {"tags": None}, {"tags": "vip"}, {"tags": {"0": "vip"}}])
def test_what_is_no_list_has_no_texts(document: dict[str, object]) -> None:
    assert read_texts(document, "tags") == []


def test_an_item_that_is_no_text_does_not_hide_the_texts_of_a_list() -> None:
    assert read_texts({"tags": ["vip", 5, None, "window"]}, "tags") == ["vip", "window"]


@pytest.mark.parametrize("document", [{}, {"poll": None}, {"poll": ["cursor"]}, {"poll": "x"}])
def test_what_is_no_map_is_read_as_an_empty_one(document: dict[str, object]) -> None:
    assert read_map(document, "poll") == {}


@pytest.mark.parametrize("count", [0, 2, 10**15])
def test_a_possible_count_is_read(count: int) -> None:
    assert read_count({"failures": count}, "failures") == count


@pytest.mark.parametrize("count", [None, "2", True, 2.0, -1, 10**15 + 1])
def test_an_impossible_count_is_read_as_zero(count: object) -> None:
    assert read_count({"failures": count}, "failures") == 0
