"""Flags of divergences, and the decisions of the staff about them, in any order of arrival."""

from datetime import timedelta
from itertools import permutations

import pytest

from shared.domain.ledger.divergence import (
    DivergenceType,
    ReviewDecision,
    ReviewRequest,
    build_divergence_event,
    build_repair_event,
    build_review_event,
    find_open_divergence,
    find_review_decision,
    format_opentable_version,
    is_reviewable,
)
from shared.domain.ledger.events import Actor, Channel, ReservationEvent
from shared.domain.ledger.registers import ReservationState
from tests.strategies.events import NOON
from tests.support.events import RECEIVED, envelope_event, merge_events, row_event

KEY = row_event(1).external_key
STORED_STATE = ReservationState().merge_event(row_event(1))
MISSING = DivergenceType.MISSING_IN_OPENTABLE


def flag(state: ReservationState, divergence: DivergenceType | None) -> ReservationEvent:
    return build_divergence_event(KEY, state, divergence, "report", NOON)


def state_after_runs(
    *divergences: DivergenceType | None, interval: timedelta = timedelta(hours=1)
) -> ReservationState:
    """Return the registers after runs with one divergence or resolution each."""
    state = STORED_STATE
    for run, divergence in enumerate(divergences):
        now = RECEIVED + run * interval
        state = state.merge_event(build_divergence_event(KEY, state, divergence, f"r-{run}", now))
    return state


@pytest.mark.parametrize("state", [STORED_STATE, ReservationState()])
def test_a_divergence_flag_is_open(state: ReservationState) -> None:
    assert find_open_divergence(state.merge_event(flag(state, MISSING))) == MISSING


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(ReservationState(), id="never flagged"),
        pytest.param(state_after_runs(MISSING, None), id="resolved"),
        pytest.param(state_after_runs(MISSING).merge_event(row_event(2)), id="newer row"),
    ],
)
def test_no_divergence_is_open_without_a_flag_or_after_its_end(state: ReservationState) -> None:
    assert find_open_divergence(state) is None


def version_text(*events: ReservationEvent) -> str:
    return format_opentable_version(merge_events(row_event(1), *events))


@pytest.mark.parametrize(
    "newer", [row_event(2), row_event(1, updated_at_utc="2026-03-09T12:00:02Z")]
)
def test_the_version_of_a_flag_changes_with_every_opentable_event(newer: ReservationEvent) -> None:
    assert version_text(newer) != version_text()


def test_a_relay_event_keeps_the_version_of_a_flag() -> None:
    assert version_text(envelope_event()) == version_text()


@pytest.mark.parametrize("interval", [timedelta(0), timedelta(minutes=-13)])
def test_an_event_is_newer_than_the_previous_one_even_if_the_clock_did_not_advance(
    interval: timedelta,
) -> None:
    state = state_after_runs(MISSING, None, interval=interval)
    assert find_open_divergence(state) is None


def test_a_flag_names_its_report_and_has_lineup_as_actor() -> None:
    event = build_divergence_event(KEY, STORED_STATE, MISSING, "r-1", RECEIVED)
    assert (event.event_id, event.event_type) == ("flagged-r-1", "reconciliation.flagged")
    assert (event.actor, event.channel) == (Actor.LINEUP, Channel.RECONCILIATION)
    assert event.payload == '{"reportId": "r-1"}'


def test_a_flag_and_its_resolution_are_separate_events() -> None:
    resolution = build_divergence_event(KEY, STORED_STATE, None, "r-1", RECEIVED)
    assert resolution.event_id == "resolved-r-1"
    assert resolution.event_type == "reconciliation.resolved"


def test_a_repair_has_no_fields_and_changes_no_register() -> None:
    repair = build_repair_event(KEY, STORED_STATE, "r-1", RECEIVED)
    assert (repair.event_type, repair.fields) == ("reconciliation.repaired", {})
    assert (repair.external_key, repair.event_id) == (KEY, "repaired-r-1")
    assert repair.version.occurred_at == RECEIVED
    assert STORED_STATE.merge_event(repair) == STORED_STATE


def test_a_repair_follows_an_event_of_a_faster_clock() -> None:
    flagged = state_after_runs(MISSING)
    repair = build_repair_event(KEY, flagged, "r-1", RECEIVED - timedelta(minutes=5))
    assert repair.version.occurred_at == RECEIVED + timedelta(microseconds=1)


def test_a_decision_names_its_user_and_its_reason() -> None:
    request = ReviewRequest(ReviewDecision.KEPT, "  Guest  called. ", "mara")
    decided = build_review_event(KEY, STORED_STATE, request, event_id="staff-1", now=NOON)
    assert (decided.external_key, decided.event_id) == (KEY, "staff-1")
    assert (decided.event_type, decided.channel) == ("staff.kept", Channel.STAFF)
    assert (decided.actor, decided.requested_by) == (Actor.LINEUP, "mara")
    assert decided.fields["reviewReason"] == "Guest  called."


def build_review(state: ReservationState, decision: ReviewDecision) -> ReservationEvent:
    request = ReviewRequest(decision, "x", "mara")
    return build_review_event(KEY, state, request, event_id=f"staff-{decision.lower()}", now=NOON)


def removed_events() -> list[ReservationEvent]:
    flagged = flag(STORED_STATE, MISSING)
    decision = build_review(STORED_STATE.merge_event(flagged), ReviewDecision.REMOVED)
    return [row_event(1), flagged, decision]


@pytest.mark.parametrize("divergence", [*DivergenceType, None])
def test_only_a_missing_reservation_is_reviewable(divergence: DivergenceType | None) -> None:
    flagged = STORED_STATE.merge_event(flag(STORED_STATE, divergence))
    assert is_reviewable(flagged) is (divergence is MISSING)


def test_the_order_of_arrival_does_not_matter() -> None:
    newer_row = row_event(2)
    for events in permutations(removed_events()):
        assert find_review_decision(merge_events(*events)) == "REMOVED"
    for events in permutations([*removed_events(), newer_row]):
        assert find_review_decision(merge_events(*events)) is None


def test_the_last_decision_counts_even_with_an_equal_clock() -> None:
    events = removed_events()
    kept = build_review(merge_events(*events), ReviewDecision.KEPT)
    for order in permutations([*events, kept]):
        assert find_review_decision(merge_events(*order)) == "KEPT"


def test_a_resolved_divergence_ends_the_decision_for_good() -> None:
    events = removed_events()
    events.append(flag(merge_events(*events), None))
    assert find_review_decision(merge_events(*events)) is None
    events.append(flag(merge_events(*events), MISSING))
    assert find_review_decision(merge_events(*events)) is None
    assert is_reviewable(merge_events(*events))
