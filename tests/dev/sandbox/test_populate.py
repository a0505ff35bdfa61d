from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.sandbox import patterns
from dev.sandbox.book import Book
from dev.sandbox.clock import ManualClock
from dev.sandbox.populate import DAYS_AHEAD, DAYS_BACK, populate
from dev.sandbox.records import ENDED, Reservation, Restaurant

RID = 555001
NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)


def filled(count: int, seed: int = 0) -> Book:
    book = Book(ManualClock(NOW), seed)
    book.open(Restaurant(RID, "Demo", ZoneInfo("America/New_York")))
    populate(book, RID, count, seed)
    return book


@pytest.fixture(scope="module")
def rows() -> tuple[Reservation, ...]:
    return filled(5000).reservations(RID)


def test_as_many_are_booked_as_asked(rows: tuple[Reservation, ...]) -> None:
    assert len(rows) == 5000


def test_the_same_seed_fills_the_same_book() -> None:
    assert filled(50).reservations(RID) == filled(50).reservations(RID)


def test_visits_lie_between_a_month_back_and_six_weeks_ahead(
    rows: tuple[Reservation, ...],
) -> None:
    first, last = NOW - timedelta(days=DAYS_BACK + 1), NOW + timedelta(days=DAYS_AHEAD + 2)
    assert all(first < row.scheduled < last for row in rows)


def test_no_stamp_lies_ahead_of_now(rows: tuple[Reservation, ...]) -> None:
    assert all(row.created <= row.updated <= NOW for row in rows)


def test_what_is_past_has_ended(rows: tuple[Reservation, ...]) -> None:
    past = [row for row in rows if row.scheduled < NOW - timedelta(hours=4)]
    assert {row.state for row in past} == set(ENDED)


def test_party_sizes_follow_the_figures(rows: tuple[Reservation, ...]) -> None:
    for size, share in patterns.PARTY_SHARES.items():
        assert sum(row.party_size == size for row in rows) / len(rows) == pytest.approx(
            share, abs=0.03
        )


def test_hours_follow_the_figures(rows: tuple[Reservation, ...]) -> None:
    whole = sum(patterns.HOUR_SHARES.values())
    for hour, share in patterns.HOUR_SHARES.items():
        seen = sum(int(row.local[11:13]) == hour for row in rows) / len(rows)
        assert seen == pytest.approx(share / whole, abs=0.03)


def test_lead_times_follow_the_figures(rows: tuple[Reservation, ...]) -> None:
    past = [row for row in rows if row.scheduled < NOW]
    leads = sorted((row.scheduled - row.created).total_seconds() / 3600 for row in past)
    assert leads[len(leads) // 2] == pytest.approx(48, rel=0.15)
    assert leads[len(leads) * 9 // 10] == pytest.approx(341, rel=0.15)


def test_guests_are_obviously_made_up() -> None:
    for guest in filled(50).guests(RID):
        assert guest.email.endswith("@example.com")
        assert guest.phone.startswith("21255501")


@given(st.floats(0.06, 0.99))
def test_lead_share_is_lead_hours_backwards(share: float) -> None:
    assert patterns.lead_share(patterns.lead_hours(share)) == pytest.approx(share)
