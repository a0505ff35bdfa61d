"""What reconciliation says itself: a flag, its end, a repair."""

from datetime import timedelta

import pytest

from shared.core.change import Actor, Channel
from shared.core.document import find_open_divergence
from shared.core.findings import build_divergence_event, build_repair_event
from shared.core.report import DivergenceType
from shared.core.statements import ReservationState
from tests.statements import RECEIVED, shown

HELD = ReservationState().merge(shown(1))
MISSING = DivergenceType.MISSING_IN_OPENTABLE


def after(*divergences: DivergenceType | None, now: timedelta = timedelta()) -> ReservationState:
    """Return what is held after findings, one a run; ``now`` is how much later each run is."""
    statements = HELD
    for run, divergence in enumerate(divergences):
        at = RECEIVED + run * now
        statements = statements.merge(
            build_divergence_event("ot_1", statements, divergence, f"r-{run}", at)
        )
    return statements


def test_a_flag_stands() -> None:
    assert find_open_divergence(after(MISSING)) == MISSING


def test_a_flag_that_is_settled_stands_no_more() -> None:
    assert find_open_divergence(after(MISSING, None, now=timedelta(hours=1))) is None


def test_a_flag_ends_when_opentable_speaks_again() -> None:
    assert find_open_divergence(after(MISSING).merge(shown(2))) is None


@pytest.mark.parametrize("slip", [timedelta(0), timedelta(minutes=-13)])
def test_a_finding_follows_the_one_before_it_though_the_clock_did_not_move_or_went_back(
    slip: timedelta,
) -> None:
    assert find_open_divergence(after(MISSING, None, now=slip)) is None


def test_a_finding_names_its_report_and_is_ours() -> None:
    flag = build_divergence_event("ot_1", HELD, MISSING, "r-1", RECEIVED)
    assert (flag.event_id, flag.event_type) == ("flagged-r-1", "reconciliation.flagged")
    assert (flag.actor, flag.channel) == (Actor.LINEUP, Channel.RECONCILIATION)
    assert flag.payload == '{"reportId": "r-1"}'


def test_the_end_of_a_flag_is_another_event_than_the_flag() -> None:
    end = build_divergence_event("ot_1", HELD, None, "r-1", RECEIVED)
    assert (end.event_id, end.event_type) == ("settled-r-1", "reconciliation.settled")


def test_a_repair_says_nothing_and_moves_nothing_that_was_said() -> None:
    repair = build_repair_event("ot_1", HELD, "r-1", RECEIVED)
    assert (repair.event_type, repair.fields) == ("reconciliation.repaired", {})
    assert HELD.merge(repair) == HELD
