"""What reconciliation says itself: a flag, its end, a repair."""

from datetime import timedelta

import pytest

from shared.core.change import Actor, Channel
from shared.core.document import find_open_divergence
from shared.core.findings import build_divergence_event, build_repair_event
from shared.core.report import DivergenceType
from shared.core.statements import ReservationState
from tests.statements import RECEIVED, row_event

STORED_STATE = ReservationState().merge(row_event(1))
MISSING_DIVERGENCE = DivergenceType.MISSING_IN_OPENTABLE


def state_after_runs(
    *divergences: DivergenceType | None, now: timedelta = timedelta()
) -> ReservationState:
    """Return what is held after findings, one a run; ``now`` is how much later each run is."""
    statements = STORED_STATE
    for run, divergence in enumerate(divergences):
        at = RECEIVED + run * now
        statements = statements.merge(
            build_divergence_event("ot_1", statements, divergence, f"r-{run}", at)
        )
    return statements


def test_a_divergence_flag_is_open() -> None:
    assert find_open_divergence(state_after_runs(MISSING_DIVERGENCE)) == MISSING_DIVERGENCE


def test_a_resolved_flag_is_not_open() -> None:
    assert (
        find_open_divergence(state_after_runs(MISSING_DIVERGENCE, None, now=timedelta(hours=1)))
        is None
    )


def test_a_flag_ends_with_the_next_opentable_event() -> None:
    assert find_open_divergence(state_after_runs(MISSING_DIVERGENCE).merge(row_event(2))) is None


@pytest.mark.parametrize("slip", [timedelta(0), timedelta(minutes=-13)])
def test_a_finding_is_newer_than_the_previous_one_even_if_the_clock_did_not_advance(
    slip: timedelta,
) -> None:
    assert find_open_divergence(state_after_runs(MISSING_DIVERGENCE, None, now=slip)) is None


def test_a_finding_names_its_report_and_has_lineup_as_actor() -> None:
    flag = build_divergence_event("ot_1", STORED_STATE, MISSING_DIVERGENCE, "r-1", RECEIVED)
    assert (flag.event_id, flag.event_type) == ("flagged-r-1", "reconciliation.flagged")
    assert (flag.actor, flag.channel) == (Actor.LINEUP, Channel.RECONCILIATION)
    assert flag.payload == '{"reportId": "r-1"}'


def test_flag_and_its_end_are_separate_events() -> None:
    end = build_divergence_event("ot_1", STORED_STATE, None, "r-1", RECEIVED)
    assert (end.event_id, end.event_type) == ("settled-r-1", "reconciliation.settled")


def test_a_repair_has_no_fields_and_changes_no_register() -> None:
    repair = build_repair_event("ot_1", STORED_STATE, "r-1", RECEIVED)
    assert (repair.event_type, repair.fields) == ("reconciliation.repaired", {})
    assert STORED_STATE.merge(repair) == STORED_STATE
