from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from shared.domain.ledger.decide import (
    WriteContext,
    build_journal_entry,
    build_repeated_sequence_entry_id,
    omit_hidden_changes,
)
from shared.domain.ledger.events import ReservationEvent
from shared.domain.ledger.registers import ReservationState
from shared.domain.webhook_auth import Authentication
from tests.support.events import RECEIVED, envelope_event, merge_events, row_event

CONTEXT = WriteContext(RECEIVED, "attempt", timedelta(days=400))


def entry(event: ReservationEvent) -> dict[str, Any]:
    return build_journal_entry(event, "created", {}, merge_events(event), CONTEXT)


def test_an_entry_contains_its_complete_event() -> None:
    event = row_event(7, state="Seated")
    changes = {"status": {"from": "CONFIRMED", "to": "SEATED"}}
    assert build_journal_entry(event, "updated", changes, merge_events(event), CONTEXT) == {
        "eventId": "seq-7",
        "eventType": "reservation.snapshot",
        "source": "POLL",
        "actor": "OPENTABLE",
        "occurredAt": datetime(2026, 3, 9, 12, 0, 7, tzinfo=UTC),
        "sequenceId": 7,
        "version": {"at": datetime(2026, 3, 9, 12, 0, 7, tzinfo=UTC), "sequenceId": 7},
        "fields": dict(event.fields),
        "receivedAt": RECEIVED,
        "outcome": "updated",
        "changes": changes,
        "payload": event.payload,
        "attempt": "attempt",
        "journalExpireAt": datetime(2027, 4, 18, 23, 15, tzinfo=UTC),
    }


def test_a_webhook_entry_names_the_matching_credential() -> None:
    authenticated = replace(row_event(7), authentication=Authentication("bearer", 1))
    assert entry(authenticated)["authentication"] == {"scheme": "bearer", "credentialIndex": 1}


def test_an_entry_copies_no_value_of_a_guest_who_was_linked_before() -> None:
    changes: dict[str, dict[str, Any]] = {
        "dinerName": {"from": "Ana", "to": None},
        "partySize": {"from": 2, "to": 3},
    }
    stored = {"sync.guest": {"path": ["g1"]}}
    shown = omit_hidden_changes(changes, stored, ReservationState())
    assert shown == {"partySize": {"from": 2, "to": 3}}


def test_an_entry_names_the_user_who_requested_the_event() -> None:
    assert entry(replace(row_event(7), requested_by="mara"))["by"] == "mara"
    assert "by" not in entry(row_event(7))


def test_an_envelopes_entry_has_no_sequence() -> None:
    event = envelope_event()
    assert entry(event)["sequenceId"] is None
    assert entry(event)["version"] == {"at": event.version.occurred_at, "id": event.event_id}


def test_an_entry_without_a_start_expires_after_its_receipt() -> None:
    assert entry(envelope_event("cancelled"))["journalExpireAt"] == RECEIVED + timedelta(days=400)


def test_an_entry_at_the_end_of_the_calendar_expires_at_its_start() -> None:
    last = envelope_event(reservationDateTime="9999-12-29T00:00:00Z")
    assert entry(last)["journalExpireAt"] == datetime(9999, 12, 29, tzinfo=UTC)


def test_an_equal_sequence_at_another_time_has_a_separate_entry() -> None:
    repeated = row_event(7, updated_at_utc="2026-03-09T12:30:44Z")
    assert build_repeated_sequence_entry_id(repeated) == "seq-7.20260309T123044.000000Z"
