"""A report lists each correction under what it was, and tells of nobody."""

from datetime import date
from typing import Any

from shared.core.change import ReservationEvent
from shared.core.decision import ReservationWrite
from shared.core.planned import PlanPrecondition
from shared.core.report import DivergenceType, ReconciliationReport, ReportStatus
from shared.core.window import DateWindow
from tests.core.memory_ledger import MemoryLedger, ledger_of
from tests.statements import RECEIVED, relayed, shown

BASIS = PlanPrecondition("555001-ot_1", "", "1")
NAMED = {"externalId": "ot_1", "reservationId": "opentable-ot_1"}


def report() -> ReconciliationReport:
    window = DateWindow(date(2026, 3, 13), date(2026, 4, 13))
    return ReconciliationReport("r-1", "restaurant-123", window, RECEIVED)


def corrected(
    change: ReservationEvent,
    ledger: MemoryLedger | None = None,
    basis: PlanPrecondition | None = None,
) -> ReconciliationReport:
    """Return a report of one correction."""
    commit, told = (ledger or MemoryLedger()).hear(change), report()
    assert isinstance(commit, ReservationWrite)
    told.add_correction("ot_1", commit, basis)
    return told


def test_what_the_ledger_lacked_is_created() -> None:
    told = corrected(shown(1))
    assert told.created == [NAMED | {"reason": "Missing in the ledger"}]
    assert told.count_entries() == {"created": 1, "updated": 0, "cancelled": 0, "divergences": 0}


def test_what_differed_is_updated_with_its_changes() -> None:
    [entry] = corrected(shown(2, party_size=6), ledger_of(shown(1))).updated
    assert entry["changes"] == {"partySize": {"from": 4, "to": 6}}
    assert (entry["previousStatus"], entry["newStatus"]) == ("CONFIRMED", "CONFIRMED")


def test_what_was_cancelled_there_alone_is_cancelled() -> None:
    [entry] = corrected(shown(2, state="Cancelled"), ledger_of(shown(1))).cancelled
    assert (entry["previousStatus"], entry["reason"]) == ("CONFIRMED", "Cancelled at OpenTable")
    assert entry["changes"]["status"] == {"from": "CONFIRMED", "to": "CANCELLED"}


def test_what_was_cancelled_before_is_only_updated() -> None:
    before = ledger_of(shown(1, state="Cancelled"))
    [entry] = corrected(shown(2, state="Cancelled", party_size=6), before).updated
    assert (entry["previousStatus"], entry["newStatus"]) == ("CANCELLED", "CANCELLED")


def test_what_is_taken_back_is_updated() -> None:
    [entry] = corrected(shown(2), ledger_of(shown(1, state="Cancelled"))).updated
    assert (entry["previousStatus"], entry["newStatus"]) == ("CANCELLED", "CONFIRMED")


def test_a_persons_values_are_not_told() -> None:
    before = ledger_of(relayed(dinerName="Ada Lovelace"))
    told = corrected(relayed("updated", 1, dinerName="Grace", specialRequests="Tea"), before)
    [entry] = told.updated
    assert entry["changes"]["dinerName"] == {"personal": True}
    assert entry["changes"]["metadata.specialRequests"] == {"personal": True}
    assert not any(word in str(told) for word in ("Ada", "Grace", "Tea"))


def test_a_planned_correction_says_what_it_goes_by() -> None:
    [entry] = corrected(shown(1), basis=BASIS).created
    assert entry["basis"] == BASIS.to_map()


def test_only_new_divergences_count_as_new() -> None:
    told = report()
    for is_new in (True, False):
        told.add_divergence(DivergenceType.MISSING_IN_OPENTABLE, "ot_1", "Gone.", is_new=is_new)
    entry = NAMED | {"type": "MISSING_IN_OPENTABLE", "reason": "Gone."}
    assert (told.divergences, told.new_divergences) == ([entry, entry], 1)


def test_a_divergence_may_be_of_no_reservation() -> None:
    told = report()
    told.add_divergence(DivergenceType.WRONG_TIME_ZONE, None, "Mend it.", is_new=True)
    assert (told.divergences[0]["externalId"], told.divergences[0]["reservationId"]) == (None, None)


def test_what_is_lacking_and_what_is_skipped_are_listed_and_counted() -> None:
    told = report()
    told.add_missing("ot_1", BASIS)
    told.add_skipped("ot_1", "It moved.")
    assert told.missing == [NAMED | {"basis": BASIS.to_map()}]
    assert told.skipped == [NAMED | {"reason": "It moved."}]
    counts: dict[str, Any] = told.to_summary_map()["counts"]
    assert (counts["missing"], counts["skipped"]) == (1, 1)


def test_a_summary_tells_who_when_what_and_how_long() -> None:
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
        "forcedFrom": None,
    }
    assert {name: summary[name] for name in expected} == expected
