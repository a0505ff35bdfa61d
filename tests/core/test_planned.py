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
from tests.statements import envelope_event, row_event
from tests.strategies.objects import NOON

SEEN_VERSION = Version.from_sequence(4, NOON)
BASIS = PlanPrecondition("555001-a", "", format_version(SEEN_VERSION))
MISSING = PlanPrecondition("555001-a", "", None)


def stored_versions(*changes: ReservationEvent) -> str:
    statements = ReservationState()
    for change in changes:
        statements = statements.merge(change)
    return format_ledger_versions(statements)


def test_no_stored_events_give_empty_versions() -> None:
    assert stored_versions() == ""


def test_a_newer_row_changes_the_stored_versions() -> None:
    assert stored_versions(row_event(1)) != stored_versions(row_event(1), row_event(2))


def test_an_older_row_keeps_the_stored_versions() -> None:
    assert stored_versions(row_event(2)) == stored_versions(row_event(2), row_event(1))


def test_a_relay_event_changes_the_stored_versions() -> None:
    assert stored_versions(row_event(1)) != stored_versions(
        row_event(1), envelope_event("updated", 1)
    )


def test_the_planned_version_passes_the_precondition() -> None:
    assert BASIS.skip_reason(SEEN_VERSION) is None


def test_a_newer_version_fails_the_precondition() -> None:
    assert BASIS.skip_reason(Version.from_sequence(5, NOON)) == OPENTABLE_CHANGED_REASON


def test_an_equal_sequence_at_another_time_fails_the_precondition() -> None:
    assert (
        BASIS.skip_reason(Version.from_sequence(4, NOON + timedelta(seconds=1)))
        == OPENTABLE_CHANGED_REASON
    )


def test_a_deleted_row_fails_the_precondition() -> None:
    assert BASIS.skip_reason(None) == NOT_AT_OPENTABLE_REASON


def test_a_row_without_a_planned_version_passes_the_precondition() -> None:
    assert MISSING.skip_reason(SEEN_VERSION) is None


def test_an_item_is_read_back_as_it_was_stored() -> None:
    for basis in (BASIS, MISSING):
        entry = {"externalId": "a", "basis": basis.to_map()}
        assert planned_correction_from_map(entry) == PlannedCorrection("a", basis)
