from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.backfill import (
    ROW_COUNTERS,
    SLICE_DAYS,
    Backfill,
    backfill_from_document,
    build_backfill,
    is_backfilling,
    resolve_backfill_request,
)
from shared.domain.days import MAX_WINDOW_DAYS, DateWindow
from shared.domain.validation import nest_fields
from shared.errors import BackfillInProgressError

NOW = datetime(2026, 3, 14, 15, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
DAY = timedelta(days=1)
MARCH = DateWindow(date(2026, 3, 1), date(2026, 3, 31))
APRIL = DateWindow(date(2026, 4, 1), date(2026, 4, 30))
ONE_OF_EACH = dict.fromkeys(ROW_COUNTERS, 1)

windows = st.builds(
    lambda start, days: DateWindow(start, start + timedelta(days=days)),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(0, MAX_WINDOW_DAYS),
)


def new(window: DateWindow = MARCH, rid: str = "555001") -> Backfill:
    return build_backfill(window, rid, NOW)


def one_slice_on(backfill: Backfill, seconds: float = 2.0) -> Backfill:
    return backfill.with_progress(backfill.next_slice(), ONE_OF_EACH, seconds, LATER)


def completed(backfill: Backfill) -> Backfill:
    while backfill.is_running:
        backfill = one_slice_on(backfill)
    return backfill


def failed(backfill: Backfill) -> Backfill:
    return backfill.with_error("Set the zone.", LATER, is_permanent=True)


def as_stored(backfill: Backfill) -> dict[str, Any]:
    return nest_fields(backfill.to_update_fields())


def test_the_last_slice_ends_before_the_calendar_does() -> None:
    last = date.max - DAY
    backfill = one_slice_on(new(DateWindow(last - 3 * DAY, last)))
    assert (backfill.next_slice(), backfill.completed_days) == (None, 4)


@given(windows)
def test_slices_cover_the_range_without_gap_or_overlap(window: DateWindow) -> None:
    backfill, days = new(window), list[date]()
    while (slice_ := backfill.next_slice()) is not None:
        assert (slice_.end - slice_.start).days < SLICE_DAYS
        days += [slice_.start + DAY * n for n in range((slice_.end - slice_.start).days + 1)]
        backfill = one_slice_on(backfill)
    assert days == [window.start + DAY * n for n in range(backfill.total_days)]


@given(windows)
def test_completed_days_reach_the_total_and_the_final_listing_completes_it(
    window: DateWindow,
) -> None:
    backfill, completed_days = new(window), [0]
    while backfill.next_slice() is not None:
        backfill = one_slice_on(backfill)
        completed_days.append(backfill.completed_days)
    assert completed_days == sorted(set(completed_days))
    assert (completed_days[-1], backfill.is_running) == (backfill.total_days, True)
    backfill = one_slice_on(backfill)
    assert (backfill.status, backfill.finished_at) == ("COMPLETED", LATER)
    assert backfill.completed_days == backfill.total_days


@given(windows, st.integers(0, 60), st.text(max_size=9) | st.none())
def test_a_stored_backfill_is_read_back_unchanged(
    window: DateWindow, slices: int, error: str | None
) -> None:
    backfill = new(window)
    for _ in range(slices):
        if backfill.is_running:
            backfill = one_slice_on(backfill)
    if error and backfill.is_running:
        backfill = backfill.with_error(error, LATER, is_permanent=slices % 2 == 0)
    assert backfill_from_document(as_stored(backfill)) == backfill


@pytest.mark.parametrize("document", [{}, {"backfill": {"lease": {"owner": "x"}}}])
def test_a_document_without_a_backfill_has_none(document: dict[str, object]) -> None:
    assert backfill_from_document(document) is None
    assert not is_backfilling(document)


def test_only_a_running_backfill_continues() -> None:
    running = new()
    assert is_backfilling(as_stored(running))
    assert not is_backfilling(as_stored(completed(running)))
    assert not is_backfilling(as_stored(failed(running)))


def test_counts_add_up_over_the_slices() -> None:
    backfill = one_slice_on(one_slice_on(new()))
    assert backfill.counts == dict.fromkeys(ROW_COUNTERS, 2)


def test_the_estimate_is_the_pace_times_what_is_left() -> None:
    backfill = one_slice_on(new(), seconds=14)  # 7 of 31 days
    assert backfill.remaining_seconds == pytest.approx(48)


def test_there_is_no_estimate_before_the_first_slice_or_if_not_running() -> None:
    assert new().remaining_seconds is None
    assert completed(new()).remaining_seconds is None
    assert failed(one_slice_on(new())).remaining_seconds is None


def test_progress_clears_the_stored_error() -> None:
    failing = new().with_error("OpenTable is unavailable.", LATER, is_permanent=False)
    assert (failing.is_running, failing.error) == (True, "OpenTable is unavailable.")
    assert one_slice_on(failing).error is None


def test_every_state_has_the_time_of_its_last_change() -> None:
    requested = build_backfill(MARCH, "555001", LATER + DAY)
    resumed = resolve_backfill_request(failed(new()), requested, accept_any_dates=True)
    assert (new().started_at, new().updated_at) == (NOW, NOW)
    assert (one_slice_on(new()).updated_at, failed(new()).updated_at) == (LATER, LATER)
    assert (resumed.started_at, resumed.updated_at) == (NOW, LATER + DAY)


def test_a_request_for_the_same_or_no_days_returns_the_running_backfill() -> None:
    running = one_slice_on(new())
    assert resolve_backfill_request(running, new(), accept_any_dates=False) == running
    assert resolve_backfill_request(running, new(APRIL), accept_any_dates=True) == running


def test_other_days_are_rejected_while_a_backfill_runs() -> None:
    with pytest.raises(BackfillInProgressError, match="2026-03-01 to 2026-03-31 is in progress"):
        resolve_backfill_request(new(), new(APRIL), accept_any_dates=False)


def test_a_failed_backfill_resumes_where_it_stopped() -> None:
    stopped = failed(one_slice_on(new()))
    resumed = resolve_backfill_request(stopped, new(), accept_any_dates=True)
    assert (resumed.status, resumed.error, resumed.completed_days) == ("RUNNING", None, 7)


def test_other_days_replace_a_failed_backfill() -> None:
    requested = new(APRIL)
    assert resolve_backfill_request(failed(new()), requested, accept_any_dates=False) == requested


def test_a_completed_backfill_restarts() -> None:
    assert resolve_backfill_request(completed(new()), new(), accept_any_dates=True) == new()


def test_a_changed_rid_restarts_the_backfill() -> None:
    other = new(rid="555002")
    assert resolve_backfill_request(one_slice_on(new()), other, accept_any_dates=True) == other


@pytest.mark.parametrize(
    "damage",
    [
        {"startDate": "soon"},
        {"startedAt": "now"},
        {"workedSeconds": None},
        {"workedSeconds": 1e308},
        {"fetched": 2**63 - 1},
        {"fetched": -1},
        dict.fromkeys(("startDate", "endDate", "nextDate"), "9999-12-31"),
    ],
)
def test_a_damaged_backfill_counts_as_none(damage: dict[str, object]) -> None:
    assert backfill_from_document({"backfill": as_stored(new())["backfill"] | damage}) is None
