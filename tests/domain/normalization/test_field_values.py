"""Single values are parsed; the expected instants are from `zdump -v` of the IANA database."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.normalization import field_values
from shared.domain.normalization.field_values import (
    BLANKS,
    format_local_date,
    format_utc,
    parse_instant,
    parse_instant_in_zone,
)
from shared.errors import InvalidEventError

ZONE = ZoneInfo("America/New_York")
START = datetime(2026, 3, 14, 23, 15, tzinfo=UTC)
NO_UTC_TIME: list[dict[str, Any]] = [{}, {"at_utc": None}, {"at_utc": ""}]


def rejection(parse: Callable[..., object], *arguments: object) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as raised:
        parse(*arguments)
    return raised.value


def test_an_error_contains_path_and_expectation() -> None:
    error = field_values.build_field_error("data.partySize", "a number")
    assert error.detail == "data.partySize must be a number."


def parse_count(name: str, value: object) -> int:
    return field_values.parse_integer(name, value, 0)


UNUSABLE: dict[Callable[..., object], list[object]] = {
    field_values.parse_text_list: ["12", 12, {}, [True], [12.5], [None], [["12"]]],
    parse_count: [-1, 2**63, True, 1.5, "x", "-1", "", None, 1e400],
    field_values.parse_boolean: ["yes", 2, -1, [], {}, "null"],
    field_values.parse_party_size: [0, 100_000, "", None],
}


@pytest.mark.parametrize(
    "parse, value", [(parse, value) for parse, values in UNUSABLE.items() for value in values]
)
def test_an_unusable_value_is_rejected_by_the_name_of_its_field_without_the_path(
    parse: Callable[..., object], value: object
) -> None:
    assert rejection(parse, "data.field", value).reason == "invalid_field"


@pytest.mark.parametrize(
    "value, requirement",
    [
        *((1, "text"), (True, "text"), (None, "text"), ([], "text"), ({}, "text")),
        ("\ud800", "text without lone surrogates"),
    ],
)
def test_a_value_other_than_text_is_rejected(value: object, requirement: str) -> None:
    assert rejection(field_values.parse_text, "a", value).detail == f"a must be {requirement}."


@pytest.mark.parametrize(
    "value, parsed",
    [
        *(("a", "a"), (7, "7"), (0, "0"), (7.0, "7"), (" a\n", "a")),
        *((None, None), ("", None), (" ", None), (True, None), (1.5, None), (1e400, None)),
        *(([], None), ({}, None)),
    ],
)
def test_only_text_and_whole_numbers_are_ids(value: object, parsed: str | None) -> None:
    assert field_values.parse_identifier(value) == parsed


def test_the_blanks_contain_the_white_space_of_unicode() -> None:
    assert {char for char in map(chr, range(sys.maxunicode + 1)) if char.isspace()} < {*BLANKS}


@pytest.mark.parametrize(
    "value, parsed", [(" \tWindow  seat\n", "Window  seat"), ("", None), (" \n", None)]
)
def test_a_text_loses_its_outer_blanks(value: str, parsed: str | None) -> None:
    assert field_values.parse_text("a", value) == parsed


@pytest.mark.parametrize(
    "value, texts",
    [
        pytest.param(["13", " ", " 12 "], ["13", "12"], id="order without blanks"),
        pytest.param([12, "12", 13.0], ["12", "12", "13"], id="numbers"),
        pytest.param(None, [], id="no list"),
    ],
)
def test_a_list_contains_texts(value: object, texts: list[str]) -> None:
    assert field_values.parse_text_list("a", value) == texts


def test_a_set_is_sorted_without_repeats() -> None:
    assert field_values.parse_text_set("a", ["vip", " ", "birthday", "vip "]) == ["birthday", "vip"]


@pytest.mark.parametrize("value", [0, 2**63 - 1])
def test_both_limits_of_an_integer_are_included(value: int) -> None:
    assert field_values.parse_integer("a", value, 0) == value


@pytest.mark.parametrize("value", ["7", " 7 ", "007", 7.0, "7.0", "7.00"])
def test_a_whole_number_may_be_text_or_a_float(value: object) -> None:
    assert field_values.canonicalize_number(value) == 7


@pytest.mark.parametrize(
    "value, text", [(7, "7"), (7.0, "7"), ("007", "007"), (True, True), (7.5, 7.5), (None, None)]
)
def test_a_number_sent_for_a_text_is_its_digits(value: object, text: object) -> None:
    assert field_values.format_number(value) == text


@pytest.mark.parametrize("value", ["7.5", 7.5, "1" * 20, "٤", "7a", 2.0**63, True, None, []])
def test_a_value_without_a_whole_number_is_unchanged(value: object) -> None:
    assert field_values.canonicalize_number(value) is value


@pytest.mark.parametrize(
    "value, parsed",
    [
        *((value, True) for value in (True, 1, 1.0, "true", "True ", "1")),
        *((value, False) for value in (False, 0, 0.0, "false", "FALSE", "0")),
        *((value, None) for value in (None, "", " ")),
    ],
)
def test_a_truth_value_may_be_text_or_a_number(value: object, parsed: bool | None) -> None:
    assert field_values.parse_boolean("a", value) is parsed


@pytest.mark.parametrize("value, size", [(1, 1), (99_999, 99_999), ("4.0", 4)])
def test_a_party_has_at_least_one_guest(value: object, size: int) -> None:
    assert field_values.parse_party_size("partySize", value) == size


@pytest.mark.parametrize(
    "row, instant",
    [
        ({"at": "2026-03-14T00:00:00", "at_utc": "2026-03-14T23:15:00Z"}, START),
        ({"at_utc": "2026-03-14T23:15:00"}, START),
        *(({"at": "2026-03-14T19:15:00"} | utc, START) for utc in NO_UTC_TIME),
        *((row, None) for row in ({}, {"at": None}, {"at": " ", "at_utc": ""})),
    ],
)
def test_a_time_of_a_row_is_its_utc_time_or_else_its_local_time(
    row: dict[str, Any], instant: datetime | None
) -> None:
    assert field_values.parse_row_instant(row, "at", ZONE) == instant


@pytest.mark.parametrize(
    "row, reason",
    [
        *(({"at_utc": value}, "invalid_at_utc") for value in (0, 1, "soon", ["12:00"])),
        *(({"at": value}, "invalid_at") for value in (False, 1, "soon")),
    ],
)
def test_an_invalid_time_of_a_row_is_rejected(row: dict[str, Any], reason: str) -> None:
    assert rejection(field_values.parse_row_time, row, "at", ZONE).reason == reason


def test_an_error_does_not_quote_the_value() -> None:
    assert "John" not in str(rejection(field_values.parse_party_size, "partySize", "John"))


EARLIER = "EARLIER_OF_REPEATED_HOUR"
SKIPPED = "MOVED_PAST_SKIPPED_HOUR"
ZONES = [
    *("America/New_York", "Europe/London", "Australia/Sydney", "Asia/Kolkata", "America/Phoenix"),
    *("Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Manila"),
]

CLOCK_CHANGES = [
    ("America/New_York", "2026-03-08T01:59", "2026-03-08T06:59:00Z", None),
    ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30:00Z", SKIPPED),
    ("America/New_York", "2026-03-08T03:00", "2026-03-08T07:00:00Z", None),
    ("America/New_York", "2026-11-01T00:59", "2026-11-01T04:59:00Z", None),
    ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z", EARLIER),
    ("America/New_York", "2026-11-01T01:30:00-05:00", "2026-11-01T06:30:00Z", None),
    ("America/New_York", "2026-11-01T02:00", "2026-11-01T07:00:00Z", None),
    ("Europe/London", "2026-03-29T00:59", "2026-03-29T00:59:00Z", None),
    ("Europe/London", "2026-03-29T01:30", "2026-03-29T01:30:00Z", SKIPPED),
    ("Europe/London", "2026-03-29T02:00", "2026-03-29T01:00:00Z", None),
    ("Europe/London", "2026-10-25T00:59", "2026-10-24T23:59:00Z", None),
    ("Europe/London", "2026-10-25T01:30", "2026-10-25T00:30:00Z", EARLIER),
    ("Europe/London", "2026-10-25T02:00", "2026-10-25T02:00:00Z", None),
    ("Australia/Sydney", "2026-04-05T01:59", "2026-04-04T14:59:00Z", None),
    ("Australia/Sydney", "2026-04-05T02:30", "2026-04-04T15:30:00Z", EARLIER),
    ("Australia/Sydney", "2026-04-05T03:00", "2026-04-04T17:00:00Z", None),
    ("Australia/Sydney", "2026-10-04T01:59", "2026-10-03T15:59:00Z", None),
    ("Australia/Sydney", "2026-10-04T02:30", "2026-10-03T16:30:00Z", SKIPPED),
    ("Australia/Sydney", "2026-10-04T03:00", "2026-10-03T16:00:00Z", None),
    ("Asia/Kolkata", "2026-03-08T02:30", "2026-03-07T21:00:00Z", None),
    ("Asia/Kolkata", "2026-11-01T01:30", "2026-10-31T20:00:00Z", None),
    ("Asia/Kolkata", "2027-07-01T12:00", "2027-07-01T06:30:00Z", None),
    ("America/Phoenix", "2026-03-08T02:30", "2026-03-08T09:30:00Z", None),
    ("America/Phoenix", "2026-11-01T01:30", "2026-11-01T08:30:00Z", None),
    ("America/Phoenix", "2027-07-01T12:00", "2027-07-01T19:00:00Z", None),
]


@pytest.mark.parametrize("zone, wall, utc, note", CLOCK_CHANGES)
def test_a_local_time_is_read_in_its_zone(zone: str, wall: str, utc: str, note: str | None) -> None:
    moment = parse_instant_in_zone(wall, ZoneInfo(zone))
    assert (format_utc(moment.instant), moment.note) == (utc, note)


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 -- a wall clock
    st.sampled_from(ZONES),
)
def test_without_a_note_the_local_time_equals_the_input(wall: datetime, zone: str) -> None:
    moment = parse_instant_in_zone(wall.isoformat(), ZoneInfo(zone))
    shown = moment.instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert (shown > wall) == (moment.note == SKIPPED)
    assert (shown == wall) == (moment.note != SKIPPED)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-09T12:30:44Z", "2026-03-09t12:30:44z", "2026-03-09 12:30:44"),
        *("2026-03-09T12:30:44+00:00", "2026-03-09T18:00:44+0530", "2026-03-09T07:30:44-05"),
        " 2026-03-09T12:30:44 ",
    ],
)
def test_every_instant_format_is_read(text: str) -> None:
    assert parse_instant(text) == datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-03-09T12:30:44.5Z", "2026-03-09T12:30:44,500000000Z"])
def test_a_fraction_of_a_second_is_preserved(text: str) -> None:
    assert parse_instant(text).microsecond == 500_000


def test_an_instant_without_seconds_is_read() -> None:
    assert format_utc(parse_instant("2026-03-09T12:30Z")) == "2026-03-09T12:30:00Z"


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-03-09", "12:30", "20260309T123044Z", "2026-W11-1T12:30", "2026-3-9T12:30"),
        *("2026-02-30T12:30", "2026-03-09T24:30", "2026-03-09T12:30:60", "1773059444", "٢٠٢٦"),
        *("2026-03-09T12:30+25:00", "2026-03-09T12:30 Z", "2026-03-09T12:30Z[UTC]", "now"),
        *("0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00"),
    ],
)
def test_a_value_other_than_date_and_time_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T12:00", "9999-12-31T12:00"])
def test_an_instant_outside_some_zones_calendar_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="outside the calendar"):
        parse_instant(text)


@given(st.text(st.characters()) | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(Z|[+-]\d\d)?"))
def test_any_text_is_parsed_or_rejected_and_every_zone_can_show_it(text: str) -> None:
    try:
        instant = parse_instant(text)
    except ValueError:
        return
    assert all(format_local_date(instant, ZoneInfo(zone)) for zone in ZONES)


def test_an_instant_is_written_in_utc_and_whole_seconds() -> None:
    instant = datetime(2026, 3, 14, 19, 15, 0, 999_999, ZONE)
    assert format_utc(instant) == "2026-03-14T23:15:00Z"


@pytest.mark.parametrize(
    "zone, date",
    [
        ("America/New_York", "2026-03-14"),
        ("Europe/London", "2026-03-15"),
        ("Australia/Sydney", "2026-03-15"),
    ],
)
def test_the_business_date_is_in_the_restaurants_zone(zone: str, date: str) -> None:
    instant = datetime(2026, 3, 15, 3, 30, tzinfo=UTC)
    assert format_local_date(instant, ZoneInfo(zone)) == date


@pytest.mark.parametrize("blank", ["\u200b", "\ufeff", "\u2060", "\u00a0", " "])
def test_blanks_around_a_number_or_a_time_do_not_matter(blank: str) -> None:
    assert field_values.canonicalize_number(f"{blank}4{blank}") == 4
    time = parse_instant("2026-03-09T12:00:00,5Z")
    assert parse_instant(f"{blank}2026-03-09T12:00:00.5Z{blank}") == time
