"""A row and a document are equal when their fingerprints are, and a wild answer is not believed."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.core.change import Change
from shared.core.comparison import (
    BRAKE_FLOOR,
    COMPARED,
    Mark,
    drift,
    mark_of,
    must_brake,
    row_fingerprint,
)
from shared.core.document import Identity, flatten, nest
from shared.core.findings import flagged
from shared.core.report import Divergence
from shared.core.stored import statements_of
from tests.core.memory_ledger import MemoryLedger, ledger_of
from tests.statements import RECEIVED, relayed, shown
from tests.strategies.guests import KNOWN
from tests.strategies.objects import GUEST_KEY

ZONE = ZoneInfo("America/New_York")
IDENTITY = Identity("restaurant-123", "ot_1", ZONE)
WHOLE = {
    "confirmation_id": 7,
    "guest_id": GUEST_KEY,
    "table_number": ["7"],
    "venue_notes": "Regular",
    "created_date_utc": "2026-03-01T12:00:00Z",
}


def held_by(*changes: Change, guests: Any = None) -> dict[str, Any]:
    """Return the document of these changes, as a query of the compared fields brings it."""
    ledger = MemoryLedger(guests=guests or {})
    for change in changes:
        ledger.hear(change)
    flat = flatten(ledger.document or {})
    fields = {path: value for path, value in flat.items() if path in COMPARED}
    return nest(fields)


def mark(*changes: Change, guests: Any = None) -> Mark:
    return mark_of(held_by(*changes, guests=guests), None)


def fingerprint(change: Change) -> bytes:
    return row_fingerprint(change, IDENTITY.restaurant_id, ZONE)


def test_a_row_that_is_held_as_it_stands_has_the_documents_fingerprint() -> None:
    assert mark(shown(1, **WHOLE)).fingerprint == fingerprint(shown(1, **WHOLE))


def test_how_the_row_came_to_be_held_does_not_matter() -> None:
    arrived = relayed(), shown(2, **WHOLE), shown(1, party_size=9)
    assert mark(*arrived).fingerprint == fingerprint(shown(2, **WHOLE))


def test_a_guests_name_and_a_relays_words_are_not_the_feeds_to_compare() -> None:
    relay = relayed(dinerName="Ada", restaurantName="Demo", cancellationReason="Rain")
    with_guest = mark(relay, shown(1, **WHOLE), guests=KNOWN)
    assert with_guest.fingerprint == fingerprint(shown(1, **WHOLE))


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
    assert mark_of(resized, None).fingerprint != mark_of(document, None).fingerprint


def test_a_mark_knows_by_which_id_opentable_is_asked() -> None:
    assert mark(shown(1)).open_table_id == "555001-ot_1"
    assert mark(relayed()).open_table_id == "ot_1"


def test_a_mark_knows_whether_there_is_a_start() -> None:
    assert mark(relayed()).dated
    assert not mark(relayed("updated")).dated


def test_a_mark_tells_the_guest_of_whom_nothing_is_held() -> None:
    assert mark(shown(1, **WHOLE)).lacking_guest == f"555001-{GUEST_KEY}"


@pytest.mark.parametrize("guest_id", [None, "../.."])
def test_nobody_is_lacking_where_nobody_can_be_meant(guest_id: str | None) -> None:
    assert mark(shown(1, guest_id=guest_id)).lacking_guest is None


def test_nobody_is_lacking_where_the_guest_is_held() -> None:
    assert mark(shown(1, **WHOLE), guests=KNOWN).lacking_guest is None


def test_a_mark_knows_the_divergence_that_stands() -> None:
    before = ledger_of(shown(1))
    statements = statements_of(flatten(before.document or {}))
    flag = flagged("ot_1", statements, Divergence.MISSING_IN_OPENTABLE, "report-1", RECEIVED)
    assert mark(shown(1)).divergence is None
    assert mark(shown(1), flag).divergence == "MISSING_IN_OPENTABLE"
    assert mark(shown(1), flag, shown(2)).divergence is None


@pytest.mark.parametrize(
    "rows, corrections, missing, brakes",
    [
        (0, BRAKE_FLOOR, BRAKE_FLOOR, False),
        (0, BRAKE_FLOOR + 1, 0, True),
        (0, 0, BRAKE_FLOOR + 1, True),
        (66, 20, 20, False),
        (1_000, 300, 300, False),
        (1_000, 301, 0, True),
        (1_000, 0, 301, True),
    ],
)
def test_more_than_twenty_and_three_tenths_of_the_ledger_is_too_much(
    rows: int, corrections: int, missing: int, *, brakes: bool
) -> None:
    assert must_brake(rows, corrections, missing) is brakes


def test_a_document_that_shows_what_was_said_has_not_drifted() -> None:
    flat = flatten(ledger_of(shown(1)).document or {})
    assert not drift(flat, IDENTITY, statements_of(flat))


@pytest.mark.parametrize("path", ["partySize", "status", "dinerName", "localDate"])
def test_a_document_that_shows_something_else_has_drifted(path: str) -> None:
    flat = flatten(ledger_of(shown(1)).document or {})
    assert drift({**flat, path: "something else"}, IDENTITY, statements_of(flat))


def test_bookkeeping_alone_is_no_drift() -> None:
    flat = flatten(ledger_of(shown(1)).document or {})
    assert not drift({**flat, "guests.ledTo": ["x"]}, IDENTITY, statements_of(flat))
