from datetime import timedelta

import pytest

from shared.domain.ledger.events import ReservationEvent, Version
from shared.domain.reconciliation.held_plan import (
    MAX_UNREVIEWED_CHANGES,
    NOT_AT_OPENTABLE_REASON,
    OPENTABLE_CHANGED_REASON,
    PlannedCorrection,
    PlanPrecondition,
    describe_held_plan,
    describe_plan_effects,
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


ONE_MISSING = "1 of 366 reservations are not in OpenTable's list. "


@pytest.mark.parametrize(
    "update_count, missing_count, expected",
    [
        (0, 160, "160 of 366 reservations are not in OpenTable's list. "),
        (200, 0, "OpenTable's list would change 200 of 366. "),
        (200, 1, f"{ONE_MISSING}OpenTable's list would change 200 of 366. "),
    ],
)
def test_the_reason_of_a_held_plan(update_count: int, missing_count: int, expected: str) -> None:
    reason = describe_held_plan(366, update_count, missing_count)
    assert reason == expected + "Nothing was changed. A manager must review the plan."


def test_missing_reservations_are_looked_up_and_never_canceled() -> None:
    assert describe_plan_effects({"created": 0, "missing": 160}) == [
        (
            "160 reservations will be looked up at OpenTable one by one. "
            "Those that OpenTable does not know are marked for review."
        ),
        "No reservation is canceled because it is missing from OpenTable's list.",
        "A reservation that has changed since this report is skipped.",
    ]


def test_damaged_numbers_of_changes_are_left_out() -> None:
    assert describe_plan_effects({"created": "x", "updated": None}) == [
        "A reservation that has changed since this report is skipped."
    ]


def test_each_kind_of_change_is_named_with_its_number() -> None:
    counts = {"created": 1, "updated": 22, "cancelled": 3, "missing": 0}
    assert describe_plan_effects(counts) == [
        "1 reservation will be added.",
        "22 reservations will be updated as listed.",
        "3 reservations will be canceled, because OpenTable canceled them.",
        "A reservation that has changed since this report is skipped.",
    ]
