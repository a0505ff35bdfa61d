from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.domain.analytics import read_booking_facts
from shared.domain.ledger.divergence import DivergenceType, build_divergence_event
from shared.domain.ledger.document import ReservationIdentity, reservation_state_from_document
from shared.domain.ledger.events import ReservationEvent
from shared.domain.ledger.registers import ReservationState
from shared.domain.reconciliation.compare import (
    FINGERPRINT_FIELDS,
    ReservationFingerprint,
    compute_event_digest,
    fingerprint_document,
    has_drifted,
)
from shared.domain.validation import flatten_document, nest_fields
from tests.strategies.events import GUEST_KEY
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


def compared_document(*events: ReservationEvent, guests: Any = None) -> dict[str, Any]:
    """Return the document of these events with only the compared fields, as by a query."""
    ledger = InMemoryLedger(guests=guests or {})
    for event in events:
        ledger.apply(event)
    flat = flatten_document(ledger.document or {})
    return nest_fields({path: flat[path] for path in FINGERPRINT_FIELDS if path in flat})


def reservation_fingerprint(
    *events: ReservationEvent, guests: Any = None
) -> ReservationFingerprint:
    return fingerprint_document(compared_document(*events, guests=guests), None)


def row_digest(event: ReservationEvent) -> bytes:
    return compute_event_digest(event, IDENTITY.restaurant_id, ZONE)


COMPLETE_ROW = row_event(1, **COMPLETE_FIELDS)


def test_a_stored_row_has_the_fingerprint_of_its_document() -> None:
    assert reservation_fingerprint(COMPLETE_ROW).digest == row_digest(COMPLETE_ROW)


def test_the_fingerprint_does_not_depend_on_the_event_order() -> None:
    newest = row_event(2, **COMPLETE_FIELDS)
    fingerprint = reservation_fingerprint(envelope_event(), newest, row_event(1, party_size=9))
    assert fingerprint.digest == row_digest(newest)


def test_guest_names_and_relay_fields_are_not_compared() -> None:
    relay = envelope_event(dinerName="Ada", restaurantName="Demo", cancellationReason="Rain")
    with_guest = reservation_fingerprint(relay, COMPLETE_ROW, guests=KNOWN_GUESTS)
    assert with_guest.digest == row_digest(COMPLETE_ROW)


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
        ("updated_at_utc", "2026-03-09T12:00:09Z"),
    ],
)
def test_every_opentable_field_changes_the_fingerprint(field: str, value: object) -> None:
    changed = row_event(1, **COMPLETE_FIELDS | {field: value})
    assert row_digest(changed) != row_digest(COMPLETE_ROW)


def test_a_version_change_alone_changes_the_fingerprint() -> None:
    assert row_digest(row_event(2, **COMPLETE_FIELDS)) != row_digest(COMPLETE_ROW)


def test_a_row_has_the_fingerprint_of_its_document_on_another_date_than_in_utc() -> None:
    row = row_event(
        1, scheduled_time="2026-03-14T22:15:00", scheduled_time_utc="2026-03-15T02:15:00Z"
    )
    assert reservation_fingerprint(row).digest == row_digest(row)


def test_a_manually_edited_field_changes_the_fingerprint() -> None:
    document = compared_document(COMPLETE_ROW)
    resized = document | {"partySize": 9}
    assert fingerprint_document(resized, None).digest != fingerprint_document(document, None).digest


def test_a_fingerprint_has_the_id_used_by_opentable() -> None:
    assert reservation_fingerprint(row_event(1)).open_table_id == "555001-ot_1"
    assert reservation_fingerprint(envelope_event()).open_table_id == "ot_1"
    spelled_id = "555001-2B7E9F40-6C1D-4F0A-8E55-91C7D0A4BE13"
    assert reservation_fingerprint(row_event(1, id=spelled_id)).open_table_id == spelled_id


@pytest.mark.parametrize(
    "stored, used", [("other", "other"), ("", "ot_1"), (None, "ot_1"), (5, "ot_1")]
)
def test_a_fingerprint_without_a_row_has_the_stored_id_if_it_is_text(
    stored: object, used: str
) -> None:
    document = compared_document(envelope_event())
    document["source"]["openTableId"] = stored
    assert fingerprint_document(document, None).open_table_id == used


def test_a_fingerprint_has_the_key_of_the_referenced_guest() -> None:
    assert reservation_fingerprint(COMPLETE_ROW).guest_key == GUEST_KEY
    assert reservation_fingerprint(row_event(1, guest_id=None)).guest_key is None


def test_a_fingerprint_has_the_facts_for_the_analytics() -> None:
    facts = read_booking_facts(compared_document(COMPLETE_ROW), ZONE)
    assert facts is not None
    assert fingerprint_document(compared_document(COMPLETE_ROW), facts).booking_facts == facts


def test_only_the_search_terms_of_the_current_name_and_number_count_as_present() -> None:
    document = compared_document(envelope_event(dinerName="Ada", dinerPhone="+12125550100"))
    assert fingerprint_document(document, None).has_search_terms
    for change in ({"searchTerms": None}, {"dinerName": "Bob"}, {"phone": "+12125550199"}):
        assert not fingerprint_document(document | change, None).has_search_terms


class ClientDatetime(datetime):
    """A subclass with another ``repr``, as the client of Firestore returns."""


def test_a_time_as_the_client_of_firestore_returns_it_does_not_change_the_fingerprint() -> None:
    document = compared_document(COMPLETE_ROW)
    returned = compared_document(COMPLETE_ROW)
    returned["startAtTimestamp"] = ClientDatetime(2026, 3, 14, 23, 15, tzinfo=UTC)
    assert document["startAtTimestamp"] == returned["startAtTimestamp"]
    assert fingerprint_document(returned, None) == fingerprint_document(document, None)


def test_a_fingerprint_has_whether_a_start_exists() -> None:
    assert reservation_fingerprint(envelope_event()).has_start_time
    assert not reservation_fingerprint(envelope_event("updated")).has_start_time


def test_a_fingerprint_names_a_guest_without_stored_record() -> None:
    assert reservation_fingerprint(COMPLETE_ROW).missing_guest_id == f"555001-{GUEST_KEY}"


@pytest.mark.parametrize("guest_id", [None, "../.."])
def test_no_guest_is_missing_without_a_usable_guest_id(guest_id: str | None) -> None:
    assert reservation_fingerprint(row_event(1, guest_id=guest_id)).missing_guest_id is None


def test_no_guest_is_missing_when_the_guest_is_stored() -> None:
    assert reservation_fingerprint(COMPLETE_ROW, guests=KNOWN_GUESTS).missing_guest_id is None


def test_a_fingerprint_has_the_open_divergence() -> None:
    state = ReservationState().merge_event(row_event(1))
    flag = build_divergence_event(
        "ot_1", state, DivergenceType.MISSING_IN_OPENTABLE, "report-1", RECEIVED
    )
    assert reservation_fingerprint(row_event(1)).divergence is None
    assert reservation_fingerprint(row_event(1), flag).divergence == "MISSING_IN_OPENTABLE"
    assert reservation_fingerprint(row_event(1), flag, row_event(2)).divergence is None


def drifted(**edited_fields: Any) -> bool:
    flat = flatten_document(ledger_with(row_event(1)).document or {})
    return has_drifted(flat | edited_fields, IDENTITY, reservation_state_from_document(flat))


def test_a_document_equal_to_its_registers_has_not_drifted() -> None:
    assert not drifted()


@pytest.mark.parametrize("path", ["partySize", "status", "dinerName", "localDate"])
def test_a_document_different_from_its_registers_has_drifted(path: str) -> None:
    assert drifted(**{path: "something else"})


def test_an_absent_null_field_is_not_drift() -> None:
    flat = flatten_document(ledger_with(row_event(1)).document or {})
    del flat["seatedAt"]
    assert not has_drifted(flat, IDENTITY, reservation_state_from_document(flat))


def test_bookkeeping_fields_are_not_drift() -> None:
    assert not drifted(**{"guests.resolvedGuestKeys": ["x"]})
