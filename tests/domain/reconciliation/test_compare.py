"""A row and a document are equal when their fingerprints are, and a wild answer is not believed.

What a plan went by, and when it no longer holds.
"""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.domain.ledger.document import ReservationIdentity, flatten_document, nest_fields
from shared.domain.ledger.events import ReservationEvent, Version
from shared.domain.ledger.registers import ReservationState, reservation_state_from_document
from shared.domain.reconciliation.compare import (
    COMPARED_FIELDS,
    MIN_CHANGES_TO_HOLD,
    NOT_AT_OPENTABLE_REASON,
    OPENTABLE_CHANGED_REASON,
    PlannedCorrection,
    PlanPrecondition,
    ReservationFingerprint,
    exceeds_change_limit,
    fingerprint_document,
    fingerprint_row,
    format_ledger_versions,
    format_version,
    has_drifted,
    planned_correction_from_map,
)
from shared.domain.reconciliation.report import DivergenceType, build_divergence_event
from tests.strategies.events import GUEST_KEY, NOON
from tests.strategies.guests import KNOWN_GUESTS
from tests.support.events import RECEIVED, envelope_event, row_event
from tests.support.in_memory_ledger import InMemoryLedger, ledger_with

ZONE = ZoneInfo("America/New_York")
IDENTITY = ReservationIdentity("restaurant-123", "ot_1", ZONE)

COMPLETE_FIELDS = {
    "confirmation_id": 7,
    "guest_id": GUEST_KEY,
    "table_number": ["7"],
    "venue_notes": "Regular",
    "created_date_utc": "2026-03-01T12:00:00Z",
}


def compared_document(*changes: ReservationEvent, guests: Any = None) -> dict[str, Any]:
    """Return the document of these changes, as a query of the compared fields brings it."""
    ledger = InMemoryLedger(guests=guests or {})
    for change in changes:
        ledger.apply(change)
    flat = flatten_document(ledger.document or {})
    fields = {path: value for path, value in flat.items() if path in COMPARED_FIELDS}
    return nest_fields(fields)


def reservation_fingerprint(
    *changes: ReservationEvent, guests: Any = None
) -> ReservationFingerprint:
    return fingerprint_document(compared_document(*changes, guests=guests), None)


def fingerprint_of_row(change: ReservationEvent) -> bytes:
    return fingerprint_row(change, IDENTITY.restaurant_id, ZONE)


def test_a_stored_row_has_the_fingerprint_of_its_document() -> None:
    assert reservation_fingerprint(row_event(1, **COMPLETE_FIELDS)).digest == fingerprint_of_row(
        row_event(1, **COMPLETE_FIELDS)
    )


def test_the_fingerprint_does_not_depend_on_the_event_order() -> None:
    arrived = envelope_event(), row_event(2, **COMPLETE_FIELDS), row_event(1, party_size=9)
    assert reservation_fingerprint(*arrived).digest == fingerprint_of_row(
        row_event(2, **COMPLETE_FIELDS)
    )


def test_guest_names_and_relay_fields_are_not_compared() -> None:
    relay = envelope_event(dinerName="Ada", restaurantName="Demo", cancellationReason="Rain")
    with_guest = reservation_fingerprint(
        relay, row_event(1, **COMPLETE_FIELDS), guests=KNOWN_GUESTS
    )
    assert with_guest.digest == fingerprint_of_row(row_event(1, **COMPLETE_FIELDS))


@pytest.mark.parametrize(
    "field, value",
    [
        ("state", "Seated"),
        ("party_size", 9),
        ("scheduled_time_utc", "2026-03-14T23:30:00Z"),
        ("guest_id", None),
        ("confirmation_id", 8),
        ("table_number", ["7", "8"]),
        ("venue_notes", None),
        ("guest_request", "Stroller"),
        ("visit_tags", ["gc:service/date"]),
        ("server", "Sam"),
        ("origin", "Web"),
        ("table_category", "bar"),
        ("opentable_notes", "Offer"),
        ("created_date_utc", "2026-03-01T12:00:01Z"),
        ("seated_time_utc", "2026-03-14T23:20:00Z"),
        ("arrived_time_utc", "2026-03-14T23:20:00Z"),
        ("done_time_utc", "2026-03-14T23:20:00Z"),
    ],
)
def test_every_opentable_field_changes_the_fingerprint(field: str, value: object) -> None:
    assert fingerprint_of_row(row_event(1, **COMPLETE_FIELDS)) != fingerprint_of_row(
        row_event(1, **COMPLETE_FIELDS | {field: value})
    )


def test_a_version_change_alone_changes_the_fingerprint() -> None:
    assert fingerprint_of_row(row_event(1, **COMPLETE_FIELDS)) != fingerprint_of_row(
        row_event(2, **COMPLETE_FIELDS)
    )


def test_a_manually_edited_field_changes_the_fingerprint() -> None:
    document = compared_document(row_event(1, **COMPLETE_FIELDS))
    resized = document | {"partySize": 9}
    assert fingerprint_document(resized, None).digest != fingerprint_document(document, None).digest


def test_a_fingerprint_has_the_id_used_by_opentable() -> None:
    assert reservation_fingerprint(row_event(1)).open_table_id == "555001-ot_1"
    assert reservation_fingerprint(envelope_event()).open_table_id == "ot_1"


def test_a_fingerprint_has_whether_a_start_exists() -> None:
    assert reservation_fingerprint(envelope_event()).has_start_time
    assert not reservation_fingerprint(envelope_event("updated")).has_start_time


def test_a_fingerprint_names_a_guest_without_stored_record() -> None:
    assert (
        reservation_fingerprint(row_event(1, **COMPLETE_FIELDS)).missing_guest_id
        == f"555001-{GUEST_KEY}"
    )


@pytest.mark.parametrize("guest_id", [None, "../.."])
def test_no_guest_is_missing_without_a_usable_guest_id(guest_id: str | None) -> None:
    assert reservation_fingerprint(row_event(1, guest_id=guest_id)).missing_guest_id is None


def test_no_guest_is_missing_when_the_guest_is_stored() -> None:
    assert (
        reservation_fingerprint(
            row_event(1, **COMPLETE_FIELDS), guests=KNOWN_GUESTS
        ).missing_guest_id
        is None
    )


def test_a_fingerprint_has_the_open_divergence() -> None:
    before = ledger_with(row_event(1))
    statements = reservation_state_from_document(flatten_document(before.document or {}))
    flag = build_divergence_event(
        "ot_1", statements, DivergenceType.MISSING_IN_OPENTABLE, "report-1", RECEIVED
    )
    assert reservation_fingerprint(row_event(1)).divergence is None
    assert reservation_fingerprint(row_event(1), flag).divergence == "MISSING_IN_OPENTABLE"
    assert reservation_fingerprint(row_event(1), flag, row_event(2)).divergence is None


@pytest.mark.parametrize(
    "rows, corrections, missing, brakes",
    [
        (0, MIN_CHANGES_TO_HOLD, MIN_CHANGES_TO_HOLD, False),
        (0, MIN_CHANGES_TO_HOLD + 1, 0, True),
        (0, 0, MIN_CHANGES_TO_HOLD + 1, True),
        (66, 20, 20, False),
        (1_000, 300, 300, False),
        (1_000, 301, 0, True),
        (1_000, 0, 301, True),
    ],
)
def test_more_than_twenty_and_thirty_percent_exceeds_the_change_limit(
    rows: int, corrections: int, missing: int, *, brakes: bool
) -> None:
    assert exceeds_change_limit(rows, corrections, missing) is brakes


def test_a_document_equal_to_its_registers_has_not_drifted() -> None:
    flat = flatten_document(ledger_with(row_event(1)).document or {})
    assert not has_drifted(flat, IDENTITY, reservation_state_from_document(flat))


@pytest.mark.parametrize("path", ["partySize", "status", "dinerName", "localDate"])
def test_a_document_different_from_its_registers_has_drifted(path: str) -> None:
    flat = flatten_document(ledger_with(row_event(1)).document or {})
    assert has_drifted(
        {**flat, path: "something else"}, IDENTITY, reservation_state_from_document(flat)
    )


def test_bookkeeping_fields_are_not_drift() -> None:
    flat = flatten_document(ledger_with(row_event(1)).document or {})
    assert not has_drifted(
        {**flat, "guests.resolvedGuestKeys": ["x"]}, IDENTITY, reservation_state_from_document(flat)
    )


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
