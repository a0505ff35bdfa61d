"""A report lists each correction under what it was, and tells of nobody."""

from datetime import date
from typing import Any

from shared.core.change import ReservationEvent
from shared.core.decision import ReservationWrite
from shared.core.planned import PlanPrecondition
from shared.core.report import DivergenceType, ReconciliationReport, ReportStatus
from shared.core.window import DateWindow
from tests.core.memory_ledger import InMemoryLedger, ledger_with
from tests.statements import RECEIVED, envelope_event, row_event

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
