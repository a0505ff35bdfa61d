"""What a plan went by, and when it no longer holds."""

from datetime import timedelta

from shared.core.change import ReservationEvent, Version
from shared.core.planned import (
    NOT_AT_OPENTABLE_REASON,
    OPENTABLE_CHANGED_REASON,
    PlannedCorrection,
    PlanPrecondition,
    format_ledger_versions,
    format_version,
    planned_correction_from_map,
)
from shared.core.statements import ReservationState
from tests.statements import relayed, shown
from tests.strategies.objects import NOON

SEEN = Version.from_sequence(4, NOON)
BASIS = PlanPrecondition("555001-a", "", format_version(SEEN))
MISSING = PlanPrecondition("555001-a", "", None)


def held(*changes: ReservationEvent) -> str:
    statements = ReservationState()
    for change in changes:
        statements = statements.merge(change)
    return format_ledger_versions(statements)


def test_nothing_held_is_empty() -> None:
    assert held() == ""


def test_a_newer_row_moves_what_is_held() -> None:
    assert held(shown(1)) != held(shown(1), shown(2))


def test_an_older_row_moves_nothing() -> None:
    assert held(shown(2)) == held(shown(2), shown(1))


def test_a_relays_word_moves_what_is_held() -> None:
    assert held(shown(1)) != held(shown(1), relayed("updated", 1))


def test_the_version_that_was_planned_is_no_obstacle() -> None:
    assert BASIS.skip_reason(SEEN) is None


def test_a_newer_version_is_an_obstacle() -> None:
    assert BASIS.skip_reason(Version.from_sequence(5, NOON)) == OPENTABLE_CHANGED_REASON


def test_the_same_sequence_at_another_time_is_an_obstacle() -> None:
    assert (
        BASIS.skip_reason(Version.from_sequence(4, NOON + timedelta(seconds=1)))
        == OPENTABLE_CHANGED_REASON
    )


def test_a_row_that_is_gone_is_an_obstacle() -> None:
    assert BASIS.skip_reason(None) == NOT_AT_OPENTABLE_REASON


def test_a_row_that_the_plan_had_not_seen_may_say_anything() -> None:
    assert MISSING.skip_reason(SEEN) is None


def test_an_item_is_read_back_as_it_was_stored() -> None:
    for basis in (BASIS, MISSING):
        entry = {"externalId": "a", "basis": basis.to_map()}
        assert planned_correction_from_map(entry) == PlannedCorrection("a", basis)
