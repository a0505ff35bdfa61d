from datetime import timedelta

import pytest

from shared.domain.ledger.events import ReservationEvent, Version
from shared.domain.reconciliation.held_plan import (
    MAX_UNREVIEWED_CHANGES,
    NOT_AT_OPENTABLE_REASON,
    OPENTABLE_CHANGED_REASON,
    PlannedCorrection,
    PlanPrecondition,
    exceeds_change_limit,
    format_ledger_versions,
    format_version,
    planned_correction_from_map,
)
from tests.strategies.events import NOON
from tests.support.events import envelope_event, merge_events, row_event


@pytest.mark.parametrize(
    "rows, corrections, missing, exceeds",
    [
        (0, MAX_UNREVIEWED_CHANGES, MAX_UNREVIEWED_CHANGES, False),
        (0, MAX_UNREVIEWED_CHANGES + 1, 0, True),
        (0, 0, MAX_UNREVIEWED_CHANGES + 1, True),
        (66, 20, 20, False),
        (1_000, 300, 300, False),
        (1_000, 301, 0, True),
        (1_000, 0, 301, True),
    ],
)
def test_more_than_twenty_and_thirty_percent_exceeds_the_change_limit(
    rows: int, corrections: int, missing: int, *, exceeds: bool
) -> None:
    assert exceeds_change_limit(rows, corrections, missing) is exceeds


PLANNED_VERSION = Version.from_sequence(4, NOON)
PRECONDITION = PlanPrecondition("555001-a", "", format_version(PLANNED_VERSION))
NOT_IN_WINDOW = PlanPrecondition("555001-a", "", None)


def stored_versions(*events: ReservationEvent) -> str:
    return format_ledger_versions(merge_events(*events))


def test_no_stored_events_give_empty_versions() -> None:
    assert stored_versions() == ""


def test_a_newer_row_changes_the_stored_versions() -> None:
    assert stored_versions(row_event(1)) != stored_versions(row_event(1), row_event(2))


def test_an_older_row_keeps_the_stored_versions() -> None:
    assert stored_versions(row_event(2)) == stored_versions(row_event(2), row_event(1))


def test_a_relay_event_changes_the_stored_versions() -> None:
    with_relay_event = stored_versions(row_event(1), envelope_event("updated", 1))
    assert with_relay_event != stored_versions(row_event(1))


@pytest.mark.parametrize(
    "current_version, reason",
    [
        (PLANNED_VERSION, None),
        (Version.from_sequence(5, NOON), OPENTABLE_CHANGED_REASON),
        (Version.from_sequence(4, NOON + timedelta(seconds=1)), OPENTABLE_CHANGED_REASON),
        (None, NOT_AT_OPENTABLE_REASON),
    ],
    ids=["unchanged", "newer", "same sequence at another time", "deleted"],
)
def test_only_the_planned_version_passes_the_precondition(
    current_version: Version | None, reason: str | None
) -> None:
    assert PRECONDITION.skip_reason(current_version) == reason


def test_any_row_passes_the_precondition_without_a_planned_version() -> None:
    assert NOT_IN_WINDOW.skip_reason(PLANNED_VERSION) is None


@pytest.mark.parametrize("precondition", [PRECONDITION, NOT_IN_WINDOW])
def test_a_planned_correction_is_read_back_unchanged(precondition: PlanPrecondition) -> None:
    entry = {"externalId": "a", "precondition": precondition.to_map()}
    assert planned_correction_from_map(entry) == PlannedCorrection("a", precondition)
