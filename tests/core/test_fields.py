from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.core import fields
from shared.errors import InvalidEventError

ZONE = ZoneInfo("America/New_York")
QUARTER_PAST = datetime(2026, 3, 14, 23, 15, tzinfo=UTC)


def refusal(read: Callable[..., object], *arguments: object) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as refused:
        read(*arguments)
    return refused.value


def test_an_error_names_its_field_without_the_path() -> None:
    assert refusal(fields.parse_text, "data.dinerName", 1).reason == "invalid_dinerName"


def test_an_error_contains_path_and_expectation() -> None:
    assert (
        fields.build_field_error("data.partySize", "a number").detail
        == "data.partySize must be a number."
    )


@pytest.mark.parametrize("value, read", [("a", "a"), (7, "7"), (0, "0")])
def test_an_id_may_be_text_or_a_whole_number(value: object, read: str) -> None:
    assert fields.parse_identifier(value) == read


@pytest.mark.parametrize("value", [None, "", True, 1.0, [], {}])
def test_other_values_are_not_ids(value: object) -> None:
    assert fields.parse_identifier(value) is None


def test_a_text_loses_its_outer_blanks() -> None:
    assert fields.parse_text("a", " \tWindow  seat\n") == "Window  seat"


@pytest.mark.parametrize("value", ["", " \n"])
def test_a_blank_text_is_none(value: str) -> None:
    assert fields.parse_text("a", value) is None


@pytest.mark.parametrize("value", [None, 1, True, [], {}])
def test_a_value_other_than_text_is_rejected(value: object) -> None:
    assert refusal(fields.parse_text, "a", value).detail == "a must be text."


def test_a_text_that_utf8_cannot_write_is_refused() -> None:
    assert "surrogates" in refusal(fields.parse_text, "a", "\ud800").detail


def test_a_list_keeps_its_order_and_drops_blanks() -> None:
    assert fields.parse_text_list("a", ["13", " ", " 12 "]) == ["13", "12"]


def test_no_list_is_an_empty_one() -> None:
    assert fields.parse_text_list("a", None) == []


@pytest.mark.parametrize("value", ["12", 12, {}, [12], [None], [["12"]]])
def test_a_value_other_than_a_list_of_texts_is_rejected(value: object) -> None:
    assert refusal(fields.parse_text_list, "a", value).reason == "invalid_a"


@pytest.mark.parametrize("value", [0, 2**63 - 1])
def test_a_whole_number_may_reach_both_ends(value: int) -> None:
    assert fields.parse_integer("a", value, 0) == value


@pytest.mark.parametrize("value", [-1, 2**63, True, 1.0, "1", None])
def test_an_integer_out_of_range_is_rejected(value: object) -> None:
    assert refusal(fields.parse_integer, "a", value, 0).reason == "invalid_a"


@pytest.mark.parametrize("value, size", [(1, 1), (99_999, 99_999), ("4", 4), ("99999", 99_999)])
def test_a_party_has_at_least_one_guest(value: object, size: int) -> None:
    assert fields.parse_party_size("partySize", value) == size


@pytest.mark.parametrize(
    "value", [0, -1, 100_000, "0", "100000", "٤", "4.0", " 4", "", "-4", 4.0, True, None, []]
)
def test_an_invalid_party_size_is_rejected(value: object) -> None:
    assert refusal(fields.parse_party_size, "partySize", value).reason == "invalid_partySize"


def test_a_start_is_truncated_to_seconds() -> None:
    said = fields.parse_start_time("a", "2026-03-14T23:15:00.999Z", ZONE)
    assert said == {"startAt": QUARTER_PAST, "startAtNote": None}


def test_a_start_without_a_zone_is_the_restaurants_wall_clock() -> None:
    assert fields.parse_start_time("a", "2026-03-14T19:15", ZONE)["startAt"] == QUARTER_PAST


def test_a_start_in_a_repeated_hour_is_noted() -> None:
    said = fields.parse_start_time("a", "2026-11-01T01:30", ZONE)
    assert said["startAtNote"] == "EARLIER_OF_REPEATED_HOUR"


@pytest.mark.parametrize("value", [None, 1773059444, "tomorrow", "", "9999-12-31T23:59:00Z"])
def test_an_invalid_start_is_rejected(value: object) -> None:
    assert refusal(fields.parse_start_time, "data.reservationDateTime", value, ZONE).reason == (
        "invalid_reservationDateTime"
    )


def test_the_utc_field_takes_precedence() -> None:
    row = {"at": "2026-03-14T00:00:00", "at_utc": "2026-03-14T23:15:00Z"}
    assert fields.parse_row_instant(row, "at", ZONE) == QUARTER_PAST


def test_a_utc_field_without_a_zone_is_utc() -> None:
    assert fields.parse_row_instant({"at_utc": "2026-03-14T23:15:00"}, "at", ZONE) == QUARTER_PAST


@pytest.mark.parametrize("row", [{}, {"at_utc": None}])
def test_the_local_field_is_used_without_the_utc_field(row: dict[str, Any]) -> None:
    told = row | {"at": "2026-03-14T19:15:00"}
    assert fields.parse_row_instant(told, "at", ZONE) == QUARTER_PAST


@pytest.mark.parametrize("row", [{}, {"at": None}, {"at": None, "at_utc": None}])
def test_a_null_time_is_none(row: dict[str, Any]) -> None:
    assert fields.parse_row_instant(row, "at", ZONE) is None


@pytest.mark.parametrize("value", ["", 1, "soon", ["2026-03-14T23:15:00Z"]])
def test_an_invalid_utc_field_is_rejected(value: object) -> None:
    assert refusal(fields.parse_row_time, {"at_utc": value}, "at", ZONE).reason == "invalid_at_utc"


@pytest.mark.parametrize("value", ["", 1, "soon"])
def test_an_invalid_local_field_is_rejected(value: object) -> None:
    assert refusal(fields.parse_row_time, {"at": value}, "at", ZONE).reason == "invalid_at"


@pytest.mark.parametrize("row", [{"at": None}, {"at_utc": None}])
def test_a_row_contains_a_time_in_either_field(row: dict[str, Any]) -> None:
    assert fields.has_row_time(row, "at")


def test_a_row_with_neither_field_contains_no_time() -> None:
    assert not fields.has_row_time({"at_other": None}, "at")


def test_an_error_does_not_quote_the_value() -> None:
    assert "John" not in str(refusal(fields.parse_party_size, "partySize", "John"))
