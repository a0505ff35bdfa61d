"""A row and a document are equal when their fingerprints are, and a wild answer is not believed."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.core.change import ReservationEvent
from shared.core.comparison import (
    COMPARED_FIELDS,
    MIN_CHANGES_TO_HOLD,
    ReservationFingerprint,
    exceeds_change_limit,
    fingerprint_document,
    fingerprint_row,
    has_drifted,
)
from shared.core.document import ReservationIdentity, flatten_document, nest_fields
from shared.core.findings import build_divergence_event
from shared.core.report import DivergenceType
from shared.core.stored import reservation_state_from_document
from tests.core.memory_ledger import MemoryLedger, ledger_of
from tests.statements import RECEIVED, relayed, shown
from tests.strategies.guests import KNOWN
from tests.strategies.objects import GUEST_KEY

ZONE = ZoneInfo("America/New_York")
IDENTITY = ReservationIdentity("restaurant-123", "ot_1", ZONE)
WHOLE = {
    "confirmation_id": 7,
    "guest_id": GUEST_KEY,
    "table_number": ["7"],
    "venue_notes": "Regular",
    "created_date_utc": "2026-03-01T12:00:00Z",
}


def held_by(*changes: ReservationEvent, guests: Any = None) -> dict[str, Any]:
    """Return the document of these changes, as a query of the compared fields brings it."""
    ledger = MemoryLedger(guests=guests or {})
    for change in changes:
        ledger.hear(change)
    flat = flatten_document(ledger.document or {})
    fields = {path: value for path, value in flat.items() if path in COMPARED_FIELDS}
    return nest_fields(fields)


def mark(*changes: ReservationEvent, guests: Any = None) -> ReservationFingerprint:
    return fingerprint_document(held_by(*changes, guests=guests), None)


def fingerprint(change: ReservationEvent) -> bytes:
    return fingerprint_row(change, IDENTITY.restaurant_id, ZONE)


def test_a_row_that_is_held_as_it_stands_has_the_documents_fingerprint() -> None:
    assert mark(shown(1, **WHOLE)).digest == fingerprint(shown(1, **WHOLE))


def test_how_the_row_came_to_be_held_does_not_matter() -> None:
    arrived = relayed(), shown(2, **WHOLE), shown(1, party_size=9)
    assert mark(*arrived).digest == fingerprint(shown(2, **WHOLE))


def test_a_guests_name_and_a_relays_words_are_not_the_feeds_to_compare() -> None:
    relay = relayed(dinerName="Ada", restaurantName="Demo", cancellationReason="Rain")
    with_guest = mark(relay, shown(1, **WHOLE), guests=KNOWN)
    assert with_guest.digest == fingerprint(shown(1, **WHOLE))


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
def test_any_field_of_the_feed_changes_the_fingerprint(field: str, value: object) -> None:
    assert fingerprint(shown(1, **WHOLE)) != fingerprint(shown(1, **WHOLE | {field: value}))


def test_a_version_changes_the_fingerprint_though_nothing_else_does() -> None:
    assert fingerprint(shown(1, **WHOLE)) != fingerprint(shown(2, **WHOLE))


def test_a_field_that_somebody_changed_by_hand_changes_the_fingerprint() -> None:
    document = held_by(shown(1, **WHOLE))
    resized = document | {"partySize": 9}
    assert fingerprint_document(resized, None).digest != fingerprint_document(document, None).digest


def test_a_mark_knows_by_which_id_opentable_is_asked() -> None:
    assert mark(shown(1)).open_table_id == "555001-ot_1"
    assert mark(relayed()).open_table_id == "ot_1"


def test_a_mark_knows_whether_there_is_a_start() -> None:
    assert mark(relayed()).has_start_time
    assert not mark(relayed("updated")).has_start_time


def test_a_mark_tells_the_guest_of_whom_nothing_is_held() -> None:
    assert mark(shown(1, **WHOLE)).missing_guest_id == f"555001-{GUEST_KEY}"


@pytest.mark.parametrize("guest_id", [None, "../.."])
def test_nobody_is_lacking_where_nobody_can_be_meant(guest_id: str | None) -> None:
    assert mark(shown(1, guest_id=guest_id)).missing_guest_id is None


def test_nobody_is_lacking_where_the_guest_is_held() -> None:
    assert mark(shown(1, **WHOLE), guests=KNOWN).missing_guest_id is None


def test_a_mark_knows_the_divergence_that_stands() -> None:
    before = ledger_of(shown(1))
    statements = reservation_state_from_document(flatten_document(before.document or {}))
    flag = build_divergence_event(
        "ot_1", statements, DivergenceType.MISSING_IN_OPENTABLE, "report-1", RECEIVED
    )
    assert mark(shown(1)).divergence is None
    assert mark(shown(1), flag).divergence == "MISSING_IN_OPENTABLE"
    assert mark(shown(1), flag, shown(2)).divergence is None


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
def test_more_than_twenty_and_three_tenths_of_the_ledger_is_too_much(
    rows: int, corrections: int, missing: int, *, brakes: bool
) -> None:
    assert exceeds_change_limit(rows, corrections, missing) is brakes


def test_a_document_that_shows_what_was_said_has_not_drifted() -> None:
    flat = flatten_document(ledger_of(shown(1)).document or {})
    assert not has_drifted(flat, IDENTITY, reservation_state_from_document(flat))


@pytest.mark.parametrize("path", ["partySize", "status", "dinerName", "localDate"])
def test_a_document_that_shows_something_else_has_drifted(path: str) -> None:
    flat = flatten_document(ledger_of(shown(1)).document or {})
    assert has_drifted(
        {**flat, path: "something else"}, IDENTITY, reservation_state_from_document(flat)
    )


def test_bookkeeping_alone_is_no_drift() -> None:
    flat = flatten_document(ledger_of(shown(1)).document or {})
    assert not has_drifted(
        {**flat, "guests.ledTo": ["x"]}, IDENTITY, reservation_state_from_document(flat)
    )
