from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import background_bookings
from sandbox.background_bookings import POPULATED_DAYS_AHEAD, POPULATED_DAYS_BACK
from sandbox.models import ENDED_STATES, SandboxReservation
from tests.sandbox.client import NOW, RID, new_store


@pytest.fixture(scope="module")
def rows() -> tuple[SandboxReservation, ...]:
    return new_store(5000).list_reservations(RID)


def test_the_requested_number_is_booked(rows: tuple[SandboxReservation, ...]) -> None:
    assert len(rows) == 5000


def test_the_same_seed_creates_the_same_reservations() -> None:
    assert new_store(50).list_reservations(RID) == new_store(50).list_reservations(RID)


def test_visits_lie_between_a_month_back_and_six_weeks_ahead(
    rows: tuple[SandboxReservation, ...],
) -> None:
    first, last = (
        NOW - timedelta(days=POPULATED_DAYS_BACK + 1),
        NOW + timedelta(days=POPULATED_DAYS_AHEAD + 2),
    )
    assert all(first < row.scheduled < last for row in rows)


def test_no_stamp_lies_ahead_of_now(rows: tuple[SandboxReservation, ...]) -> None:
    assert all(row.created <= row.updated <= NOW for row in rows)


def test_what_is_past_has_ended(rows: tuple[SandboxReservation, ...]) -> None:
    past = [row for row in rows if row.scheduled < NOW - timedelta(hours=4)]
    assert {row.state for row in past} == set(ENDED_STATES)


def test_party_sizes_follow_the_figures(rows: tuple[SandboxReservation, ...]) -> None:
    for size, share in background_bookings.PARTY_SHARES.items():
        assert sum(row.party_size == size for row in rows) / len(rows) == pytest.approx(
            share, abs=0.03
        )


def test_hours_follow_the_figures(rows: tuple[SandboxReservation, ...]) -> None:
    whole = sum(background_bookings.HOUR_SHARES.values())
    for hour, share in background_bookings.HOUR_SHARES.items():
        seen = sum(int(row.scheduled_local[11:13]) == hour for row in rows) / len(rows)
        assert seen == pytest.approx(share / whole, abs=0.03)


def test_lead_times_follow_the_figures(rows: tuple[SandboxReservation, ...]) -> None:
    past = [row for row in rows if row.scheduled < NOW]
    leads = sorted((row.scheduled - row.created).total_seconds() / 3600 for row in past)
    assert leads[len(leads) // 2] == pytest.approx(48, rel=0.15)
    assert leads[len(leads) * 9 // 10] == pytest.approx(341, rel=0.15)


def test_guests_are_obviously_made_up() -> None:
    for guest in new_store(50).list_guests(RID):
        assert guest.email.endswith("@example.com")
        assert guest.phone.startswith("21255501")


@given(st.floats(0.06, 0.99))
def test_lead_share_is_lead_hours_backwards(share: float) -> None:
    assert background_bookings.compute_lead_share(
        background_bookings.compute_lead_hours(share)
    ) == pytest.approx(share)
