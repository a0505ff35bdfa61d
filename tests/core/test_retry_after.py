from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.core.retry_after import MAX_RETRY_AFTER_SECONDS, parse_retry_after

RECEIVED_TIME = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
SERVER_NOON = "Sat, 14 Mar 2026 12:00:00 GMT"


def test_seconds_are_read_unchanged() -> None:
    assert parse_retry_after("7", None, RECEIVED_TIME) == 7.0


def test_fractions_and_spaces_are_forgiven() -> None:
    assert parse_retry_after(" 1.5 ", None, RECEIVED_TIME) == 1.5


def test_a_negative_wait_is_zero() -> None:
    assert parse_retry_after("-3", None, RECEIVED_TIME) == 0.0


def test_an_excessive_wait_is_bounded() -> None:
    assert parse_retry_after("9" * 5_000, None, RECEIVED_TIME) == MAX_RETRY_AFTER_SECONDS


def test_a_date_is_relative_to_the_date_header() -> None:
    ours = RECEIVED_TIME + timedelta(hours=3)
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:20 GMT", SERVER_NOON, ours) == 20.0


def test_a_date_without_date_header_is_relative_to_the_local_clock() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:20 GMT", None, RECEIVED_TIME) == 20.0


def test_an_invalid_date_header_falls_back_to_the_local_clock() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:20 GMT", "noonish", RECEIVED_TIME) == 20.0


def test_a_date_that_has_passed_means_no_wait() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 11:00:00 GMT", SERVER_NOON, RECEIVED_TIME) == 0.0


def test_a_date_without_a_known_zone_is_utc() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:05 -0000", SERVER_NOON, RECEIVED_TIME) == 5.0


def test_a_missing_header_gives_none() -> None:
    assert parse_retry_after(None, SERVER_NOON, RECEIVED_TIME) is None


def test_an_invalid_header_gives_none() -> None:
    assert parse_retry_after("soon", SERVER_NOON, RECEIVED_TIME) is None


def test_digits_of_other_scripts_are_invalid() -> None:
    assert parse_retry_after("٣", None, RECEIVED_TIME) is None


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ .*"), st.text())
def test_any_text_gives_a_bounded_wait_or_nothing(value: str, date: str) -> None:
    wait = parse_retry_after(value, date, RECEIVED_TIME)
    assert wait is None or 0.0 <= wait <= MAX_RETRY_AFTER_SECONDS


@given(st.integers(0, 86_400))
def test_both_forms_of_one_wait_agree(seconds: int) -> None:
    later = format_datetime(RECEIVED_TIME + timedelta(seconds=seconds), usegmt=True)
    as_seconds = parse_retry_after(str(seconds), None, RECEIVED_TIME)
    assert as_seconds == parse_retry_after(later, SERVER_NOON, RECEIVED_TIME)
