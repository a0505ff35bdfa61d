from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.core.retry_after import MAX_RETRY_AFTER_SECONDS, parse_retry_after

NOW = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
THEIR_NOON = "Sat, 14 Mar 2026 12:00:00 GMT"


def test_seconds_are_taken_as_they_are() -> None:
    assert parse_retry_after("7", None, NOW) == 7.0


def test_fractions_and_spaces_are_forgiven() -> None:
    assert parse_retry_after(" 1.5 ", None, NOW) == 1.5


def test_a_negative_wait_is_none_at_all() -> None:
    assert parse_retry_after("-3", None, NOW) == 0.0


def test_an_endless_wait_is_bounded() -> None:
    assert parse_retry_after("9" * 5_000, None, NOW) == MAX_RETRY_AFTER_SECONDS


def test_a_date_is_read_by_the_clock_that_wrote_it() -> None:
    ours = NOW + timedelta(hours=3)
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:20 GMT", THEIR_NOON, ours) == 20.0


def test_a_date_is_read_by_our_clock_where_theirs_is_not_told() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:20 GMT", None, NOW) == 20.0


def test_an_unreadable_date_header_falls_back_to_our_clock() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:20 GMT", "noonish", NOW) == 20.0


def test_a_date_that_has_passed_means_no_wait() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 11:00:00 GMT", THEIR_NOON, NOW) == 0.0


def test_a_date_without_a_known_zone_is_utc() -> None:
    assert parse_retry_after("Sat, 14 Mar 2026 12:00:05 -0000", THEIR_NOON, NOW) == 5.0


def test_no_header_says_nothing() -> None:
    assert parse_retry_after(None, THEIR_NOON, NOW) is None


def test_nonsense_says_nothing() -> None:
    assert parse_retry_after("soon", THEIR_NOON, NOW) is None


def test_digits_of_other_scripts_are_nonsense() -> None:
    assert parse_retry_after("٣", None, NOW) is None


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ .*"), st.text())
def test_any_text_gives_a_bounded_wait_or_nothing(value: str, date: str) -> None:
    wait = parse_retry_after(value, date, NOW)
    assert wait is None or 0.0 <= wait <= MAX_RETRY_AFTER_SECONDS


@given(st.integers(0, 86_400))
def test_both_forms_of_one_wait_agree(seconds: int) -> None:
    later = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    as_seconds = parse_retry_after(str(seconds), None, NOW)
    assert as_seconds == parse_retry_after(later, THEIR_NOON, NOW)
