"""A decision on a reservation that OpenTable does not know, in any order of arrival."""

from itertools import permutations

from shared.domain.ledger.document import find_review_decision
from shared.domain.ledger.events import ReservationEvent
from shared.domain.ledger.registers import ReservationState
from shared.domain.ledger.review import ReviewDecision, build_review_event, is_reviewable
from shared.domain.reconciliation.report import DivergenceType, build_divergence_event
from tests.strategies.events import NOON
from tests.support.events import row_event

KEY = row_event(1).external_key


def merge(*events: ReservationEvent) -> ReservationState:
    state = ReservationState()
    for event in events:
        state = state.merge(event)
    return state


def flag(state: ReservationState, divergence: DivergenceType | None) -> ReservationEvent:
    return build_divergence_event(KEY, state, divergence, "report", NOON)


def decide(state: ReservationState, decision: ReviewDecision) -> ReservationEvent:
    return build_review_event(
        KEY,
        state,
        event_id=f"staff-{decision.lower()}",
        decision=decision,
        reason="x",
        user_uid="mara",
        now=NOON,
    )


def removed_events() -> list[ReservationEvent]:
    row = row_event(1)
    flagged = flag(merge(row), DivergenceType.MISSING_IN_OPENTABLE)
    return [row, flagged, decide(merge(row, flagged), ReviewDecision.REMOVED)]


def test_only_a_missing_reservation_is_reviewable() -> None:
    row = row_event(1)
    assert not is_reviewable(merge(row))
    for divergence in DivergenceType:
        is_missing = divergence is DivergenceType.MISSING_IN_OPENTABLE
        assert is_reviewable(merge(row, flag(merge(row), divergence))) == is_missing


def test_the_order_of_arrival_does_not_matter() -> None:
    newer_row = row_event(2)
    for events in permutations(removed_events()):
        assert find_review_decision(merge(*events)) == "REMOVED"
    for events in permutations([*removed_events(), newer_row]):
        assert find_review_decision(merge(*events)) is None


def test_the_last_decision_counts_even_with_an_equal_clock() -> None:
    events = removed_events()
    kept = decide(merge(*events), ReviewDecision.KEPT)
    for order in permutations([*events, kept]):
        assert find_review_decision(merge(*order)) == "KEPT"


def test_a_settled_divergence_ends_the_decision_for_good() -> None:
    events = removed_events()
    events.append(flag(merge(*events), None))
    assert find_review_decision(merge(*events)) is None
    events.append(flag(merge(*events), DivergenceType.MISSING_IN_OPENTABLE))
    assert find_review_decision(merge(*events)) is None
    assert is_reviewable(merge(*events))
