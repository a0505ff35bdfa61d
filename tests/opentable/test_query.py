from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from shared.opentable.query import ListingQuery, LocalDateTime

DAY = date(2026, 3, 14)


def test_no_filter_sends_nothing() -> None:
    assert ListingQuery().to_parameters() == {}


def test_an_aware_time_is_sent_in_utc_with_milliseconds() -> None:
    updated_after = datetime(2026, 3, 14, 12, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=-4)))
    assert ListingQuery(updated_after=updated_after).to_parameters() == {
        "updated_after": "2026-03-14T16:00:00.123Z"
    }


def test_a_naive_time_is_rejected() -> None:
    naive = datetime(2026, 3, 14, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        ListingQuery(updated_after=naive).to_parameters()


def test_a_window_is_sent_in_local_time_without_a_zone() -> None:
    query = ListingQuery(
        scheduled_from=LocalDateTime.from_date(DAY), scheduled_to=LocalDateTime.end_of_day(DAY)
    )
    assert query.to_parameters() == {
        "scheduled_time_from": "2026-03-14T00:00:00",
        "scheduled_time_to": "2026-03-14T23:59:59",
    }


@pytest.mark.parametrize(
    "day, at",
    [
        pytest.param(datetime(2026, 3, 14, tzinfo=UTC), time.min, id="a UTC time as date"),
        pytest.param(DAY, time(19, 15, tzinfo=UTC), id="a time with a zone"),
    ],
)
def test_a_utc_time_is_not_a_local_time(day: date, at: time) -> None:
    with pytest.raises(TypeError):
        LocalDateTime.from_date(day, at)
