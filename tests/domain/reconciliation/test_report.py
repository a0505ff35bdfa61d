"""A report lists each correction under what it was, and tells of nobody.

What reconciliation says itself: a flag, its end, a repair.
"""

from datetime import date, timedelta
from typing import Any

import pytest

from shared.domain.backfill import DateWindow
from shared.domain.ledger.decide import ReservationWrite
from shared.domain.ledger.document import find_open_divergence
from shared.domain.ledger.events import Actor, Channel, ReservationEvent
from shared.domain.ledger.registers import ReservationState
from shared.domain.reconciliation.compare import PlanPrecondition
from shared.domain.reconciliation.report import (
    DivergenceType,
    ReconciliationReport,
    ReportStatus,
    build_divergence_event,
    build_repair_event,
)
from tests.support.events import RECEIVED, envelope_event, row_event
from tests.support.in_memory_ledger import InMemoryLedger, ledger_with

BASIS = PlanPrecondition("555001-ot_1", "", "1")
NAMED = {"externalId": "ot_1", "reservationId": "opentable-ot_1"}


def report() -> ReconciliationReport:
    window = DateWindow(date(2026, 3, 13), date(2026, 4, 13))
    return ReconciliationReport("r-1", "restaurant-123", window, RECEIVED)


def report_with_correction(
    change: ReservationEvent,
    ledger: InMemoryLedger | None = None,
    basis: PlanPrecondition | None = None,
) -> ReconciliationReport:
    """Return a report of one correction."""
    commit, result = (ledger or InMemoryLedger()).apply(change), report()
    assert isinstance(commit, ReservationWrite)
    result.add_correction("ot_1", commit, basis)
    return result


def test_a_missing_reservation_is_reported_as_created() -> None:
    told = report_with_correction(row_event(1))
    assert told.created == [NAMED | {"reason": "Missing in the ledger"}]
    assert told.count_entries() == {"created": 1, "updated": 0, "cancelled": 0, "divergences": 0}


def test_a_difference_is_reported_as_update_with_changes() -> None:
    [entry] = report_with_correction(row_event(2, party_size=6), ledger_with(row_event(1))).updated
    assert entry["changes"] == {"partySize": {"from": 4, "to": 6}}
    assert (entry["previousStatus"], entry["newStatus"]) == ("CONFIRMED", "CONFIRMED")


def test_a_cancellation_only_at_opentable_is_reported_as_cancelled() -> None:
    [entry] = report_with_correction(
        row_event(2, state="Cancelled"), ledger_with(row_event(1))
    ).cancelled
    assert (entry["previousStatus"], entry["reason"]) == ("CONFIRMED", "Cancelled at OpenTable")
    assert entry["changes"]["status"] == {"from": "CONFIRMED", "to": "CANCELLED"}


def test_an_already_cancelled_reservation_is_reported_as_updated() -> None:
    before = ledger_with(row_event(1, state="Cancelled"))
    [entry] = report_with_correction(row_event(2, state="Cancelled", party_size=6), before).updated
    assert (entry["previousStatus"], entry["newStatus"]) == ("CANCELLED", "CANCELLED")


def test_an_undone_cancellation_is_reported_as_updated() -> None:
    [entry] = report_with_correction(
        row_event(2), ledger_with(row_event(1, state="Cancelled"))
    ).updated
    assert (entry["previousStatus"], entry["newStatus"]) == ("CANCELLED", "CONFIRMED")


def test_personal_values_are_not_in_the_report() -> None:
    before = ledger_with(envelope_event(dinerName="Ada Lovelace"))
    told = report_with_correction(
        envelope_event("updated", 1, dinerName="Grace", specialRequests="Tea"), before
    )
    [entry] = told.updated
    assert entry["changes"]["dinerName"] == {"personal": True}
    assert entry["changes"]["metadata.specialRequests"] == {"personal": True}
    assert not any(word in str(told) for word in ("Ada", "Grace", "Tea"))


def test_a_planned_correction_contains_its_precondition() -> None:
    [entry] = report_with_correction(row_event(1), basis=BASIS).created
    assert entry["basis"] == BASIS.to_map()


def test_only_new_divergences_count_as_new() -> None:
    told = report()
    for is_new in (True, False):
        told.add_divergence(DivergenceType.MISSING_IN_OPENTABLE, "ot_1", "Gone.", is_new=is_new)
    entry = NAMED | {"type": "MISSING_IN_OPENTABLE", "reason": "Gone."}
    assert (told.divergences, told.new_divergences) == ([entry, entry], 1)


def test_a_divergence_may_have_no_reservation() -> None:
    told = report()
    told.add_divergence(DivergenceType.WRONG_TIME_ZONE, None, "Mend it.", is_new=True)
    assert (told.divergences[0]["externalId"], told.divergences[0]["reservationId"]) == (None, None)


def test_missing_and_skipped_rows_are_listed_and_counted() -> None:
    told = report()
    told.add_missing("ot_1", BASIS)
    told.add_skipped("ot_1", "It moved.")
    assert told.missing == [NAMED | {"basis": BASIS.to_map()}]
    assert told.skipped == [NAMED | {"reason": "It moved."}]
    counts: dict[str, Any] = told.to_summary_map()["counts"]
    assert (counts["missing"], counts["skipped"]) == (1, 1)


def test_a_summary_contains_restaurant_time_counts_and_duration() -> None:
    told = report()
    told.status, told.reason, told.compared_count = ReportStatus.HELD, "Too much.", 9
    told.duration_ms = 1_234
    summary = told.to_summary_map()
    expected = {
        "reportId": "r-1",
        "restaurantId": "restaurant-123",
        "startDate": "2026-03-13",
        "endDate": "2026-04-13",
        "reconciledAt": RECEIVED,
        "status": "HELD",
        "reason": "Too much.",
        "comparedCount": 9,
        "missedWebhooks": 0,
        "durationMs": 1_234,
        "heldReportId": None,
    }
    assert {name: summary[name] for name in expected} == expected


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
