from datetime import date
from typing import Any

import pytest

from shared.domain.days import DateWindow
from shared.domain.ledger.decide import ReservationWrite
from shared.domain.ledger.divergence import DivergenceType
from shared.domain.ledger.events import ReservationEvent
from shared.domain.ledger.registers import ReservationState
from shared.domain.reconciliation.held_plan import PlanPrecondition
from shared.domain.reconciliation.report import ReconciliationReport, ReportStatus, RunFailureKind
from tests.support.events import RECEIVED, envelope_event, row_event
from tests.support.in_memory_ledger import InMemoryLedger, ledger_with

PRECONDITION = PlanPrecondition("555001-ot_1", "", "1")
IDS = {"externalId": "ot_1", "reservationId": "opentable-ot_1"}
FACTS = {"startAt": "2026-03-14T23:15:00Z", "partySize": 4}


NOT_FOUND = (DivergenceType.MISSING_IN_OPENTABLE, "ot_1", "Not found.")


def new_report(**fields: Any) -> ReconciliationReport:
    window = DateWindow(date(2026, 3, 13), date(2026, 4, 13))
    return ReconciliationReport("r-1", "restaurant-123", window, RECEIVED, **fields)


def report_with_correction(
    event: ReservationEvent,
    ledger: InMemoryLedger | None = None,
    precondition: PlanPrecondition | None = None,
) -> ReconciliationReport:
    report, write = new_report(), (ledger or InMemoryLedger()).apply(event)
    assert isinstance(write, ReservationWrite)
    report.add_correction("ot_1", write, precondition)
    return report


def test_a_missing_reservation_is_reported_as_created() -> None:
    report = report_with_correction(row_event(1))
    assert report.created == [IDS | FACTS | {"reason": "Missing in the ledger"}]
    assert report.count_entries() == {"created": 1, "updated": 0, "cancelled": 0, "divergences": 0}


def test_an_update_is_reported_with_its_changes() -> None:
    [entry] = report_with_correction(row_event(2, party_size=6), ledger_with(row_event(1))).updated
    assert entry["changes"] == {"partySize": {"from": 4, "to": 6}}


def test_a_cancellation_only_at_opentable_is_reported_as_cancelled() -> None:
    cancellation = row_event(2, state="Cancelled")
    [entry] = report_with_correction(cancellation, ledger_with(row_event(1))).cancelled
    assert (entry["previousStatus"], entry["reason"]) == ("CONFIRMED", "Cancelled at OpenTable")
    assert entry["changes"]["status"] == {"from": "CONFIRMED", "to": "CANCELLED"}


@pytest.mark.parametrize(
    "before, after, statuses",
    [
        ("Confirmed", "Confirmed", ("CONFIRMED", "CONFIRMED")),
        ("Cancelled", "Cancelled", ("CANCELLED", "CANCELLED")),
        ("Cancelled", "Confirmed", ("CANCELLED", "CONFIRMED")),
    ],
    ids=["difference", "already canceled", "cancellation undone"],
)
def test_any_other_change_is_reported_as_updated(
    before: str, after: str, statuses: tuple[str, str]
) -> None:
    changed = row_event(2, state=after, party_size=6)
    [entry] = report_with_correction(changed, ledger_with(row_event(1, state=before))).updated
    assert (entry["previousStatus"], entry["newStatus"]) == statuses


def test_personal_values_are_not_in_the_report() -> None:
    before = ledger_with(envelope_event(dinerName="Ada Lovelace"))
    update = envelope_event("updated", 1, dinerName="Grace", specialRequests="Tea")
    report = report_with_correction(update, before)
    [entry] = report.updated
    assert entry["changes"]["dinerName"] == {"personal": True}
    assert entry["changes"]["metadata.specialRequests"] == {"personal": True}
    assert not any(word in str(report) for word in ("Ada", "Grace", "Tea"))


def test_a_planned_correction_contains_its_precondition() -> None:
    [entry] = report_with_correction(row_event(1), precondition=PRECONDITION).created
    assert entry["precondition"] == PRECONDITION.to_map()


def test_only_new_divergences_count_as_new() -> None:
    report = new_report()
    for is_new in (True, False, True):
        report.add_divergence(*NOT_FOUND, is_new=is_new)
    entry = IDS | {"type": "MISSING_IN_OPENTABLE", "reason": "Not found."}
    assert (report.divergences, report.new_divergences) == ([entry] * 3, 2)


def test_a_divergence_shows_the_facts_of_its_reservation() -> None:
    report, state = new_report(), ReservationState().merge_event(row_event(1))
    report.add_divergence(*NOT_FOUND, is_new=True, state=state)
    assert report.divergences[0].items() >= FACTS.items()


def test_a_reservation_without_a_start_is_reported_without_one() -> None:
    report, state = new_report(), ReservationState().merge_event(envelope_event("updated"))
    report.add_skipped("ot_1", state, "It changed.")
    assert report.skipped[0]["startAt"] is None


def test_a_divergence_may_have_no_reservation() -> None:
    report = new_report()
    report.add_divergence(DivergenceType.WRONG_TIME_ZONE, None, "Set the zone.", is_new=True)
    assert report.divergences[0].items() >= {"externalId": None, "reservationId": None}.items()


def test_missing_and_skipped_rows_are_listed_and_counted() -> None:
    report, state = new_report(), ReservationState().merge_event(row_event(1))
    report.add_missing("ot_1", state, PRECONDITION)
    report.add_skipped("ot_1", state, "It changed.")
    assert report.missing == [IDS | FACTS | {"precondition": PRECONDITION.to_map()}]
    assert report.skipped == [IDS | FACTS | {"reason": "It changed."}]
    assert report.to_summary_map()["counts"].items() >= {"missing": 1, "skipped": 1}.items()


def test_a_summary_names_the_failure_and_the_restaurant_of_a_held_plan() -> None:
    summary = new_report(failure=RunFailureKind.OPENTABLE, held_rid="555001").to_summary_map()
    assert summary.items() >= {"failure": "OPENTABLE", "heldRid": "555001"}.items()


def test_a_summary_contains_restaurant_time_counts_and_duration() -> None:
    report = new_report(
        status=ReportStatus.HELD,
        reason="Too much.",
        is_compared=True,
        compared_count=9,
        duration_ms=1_234,
    )
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
        "heldRid": None,
        "failure": None,
    }
    assert report.to_summary_map().items() >= expected.items()


COUNTS = {"openTableCount", "ledgerCount", "comparedCount", "unchangedCount"}
FINDINGS = {"newDivergences", "missedWebhooks"}


def unknown_counts(report: ReconciliationReport) -> set[str]:
    summary = report.to_summary_map()
    return {name for name in COUNTS | FINDINGS if summary[name] is None}


def test_the_counts_of_a_run_without_a_comparison_are_unknown() -> None:
    assert unknown_counts(new_report(status=ReportStatus.FAILED)) == COUNTS | FINDINGS


def test_a_failed_run_knows_the_ledger_that_it_read() -> None:
    report = new_report(status=ReportStatus.FAILED, ledger_count=7)
    assert report.to_summary_map()["ledgerCount"] == 7


def test_a_forced_plan_knows_its_findings_but_compares_no_window() -> None:
    assert unknown_counts(new_report(held_report_id="r-0", open_table_count=3)) == COUNTS


def test_a_comparison_knows_every_count() -> None:
    assert unknown_counts(new_report(is_compared=True, ledger_count=0)) == set()


def test_a_divergence_of_an_unreadable_document_names_the_document() -> None:
    report = new_report()
    report.add_divergence(
        DivergenceType.UNREADABLE, None, "Correct it.", is_new=True, reservation_id="odd-1"
    )
    assert report.divergences[0]["reservationId"] == "odd-1"
