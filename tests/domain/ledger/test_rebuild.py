"""A document rebuilt from its journal is the document that the events wrote."""

import copy
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.ledger.decide import ReservationWrite, StoredReservation, WriteContext
from shared.domain.ledger.document import diff_fields
from shared.domain.ledger.guest_link import Guest
from shared.domain.ledger.rebuild import decide_rebuild, merge_journal_entries
from shared.domain.ledger.registers import GuestRequired
from shared.domain.privacy import PERSONAL_FIELDS, PERSONAL_PATHS
from shared.domain.validation import flatten_document
from shared.errors import UnreadableDocumentError
from tests.strategies.events import GUEST_KEY, KEY, NOON, RELAY_RECEIVED_AT
from tests.strategies.guests import KNOWN_GUESTS
from tests.strategies.ledgers import ledgers, ledgers_with_guests
from tests.support.events import row_event
from tests.support.in_memory_ledger import (
    TEST_IDENTITY,
    GuestsByKey,
    InMemoryLedger,
    flatten_without_write_times,
    ledger_with,
)
from tests.support.oracles import rebuild_state

CONTEXT = WriteContext(RELAY_RECEIVED_AT, "rebuilder", timedelta(days=400))
Entries = Mapping[str, Mapping[str, Any]]


def rebuild_with_guests(
    document: dict[str, Any] | None, entries: Entries, guests: GuestsByKey
) -> ReservationWrite | None:
    """Decide on a rebuild with every guest that it asks for."""
    stored = StoredReservation(document, entries, {})
    while isinstance(decision := decide_rebuild(stored, TEST_IDENTITY, CONTEXT), GuestRequired):
        stored = replace(stored, guests={**stored.guests, decision.key: guests.get(decision.key)})
    return decision


def rebuilt_ledger(ledger: InMemoryLedger, document: dict[str, Any] | None) -> InMemoryLedger:
    """Return a ledger with another document, rebuilt from its journal."""
    write = rebuild_with_guests(document, ledger.entries, ledger.guests)
    rebuilt = InMemoryLedger(document, dict(ledger.entries), ledger.guests)
    if write is not None:
        rebuilt._commit(write)
    return rebuilt


stored_ledgers = ledgers.filter(lambda ledger: ledger.document is not None)


@given(stored_ledgers)
def test_a_lost_document_is_rebuilt_as_it_was(ledger: InMemoryLedger) -> None:
    rebuilt = rebuilt_ledger(ledger, None)
    expected = flatten_without_write_times(ledger.document)
    assert flatten_without_write_times(rebuilt.document) == expected


@given(stored_ledgers)
def test_an_intact_document_needs_no_rebuild(ledger: InMemoryLedger) -> None:
    assert rebuild_with_guests(ledger.document, ledger.entries, ledger.guests) is None


@given(stored_ledgers, st.data())
def test_a_document_loses_nothing_to_a_journal_with_expired_entries(
    ledger: InMemoryLedger, data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.sampled_from(sorted(ledger.entries)), min_size=1, unique=True))
    entries = {entry_id: ledger.entries[entry_id] for entry_id in kept}
    assert rebuild_with_guests(ledger.document, entries, ledger.guests) is None


@given(stored_ledgers)
def test_the_fold_of_a_journal_is_the_state_of_its_events(ledger: InMemoryLedger) -> None:
    entries = ledger.entries.values()
    assert merge_journal_entries(entries) == rebuild_state(entries)


@given(ledgers_with_guests.map(lambda guests: guests.ledger))
def test_a_rebuild_restores_no_data_of_a_forgotten_guest(ledger: InMemoryLedger) -> None:
    if ledger.document is None:
        return
    rebuilt = rebuilt_ledger(ledger, None)
    assert rebuilt.state.guest_references == ledger.state.guest_references
    if rebuilt.state.guest_references.has_forgotten_guest:
        for registers in rebuilt.state.registers_by_actor.values():
            values = {name: current.value for name, current in registers.fields.items()}
            assert not any(values.get(name) for name in PERSONAL_FIELDS)


@pytest.mark.parametrize(
    "damage",
    [
        {"sync": "lost"},
        {"sync": {}},
        {"statusHistory": {"a": 1}},
        {"partySize": 99},
        {"status": "SEATED", "dinerName": "Somebody"},
        {"localDate": None, "startAt": None, "startAtTimestamp": None},
    ],
)
def test_a_document_damaged_by_hand_is_repaired(damage: dict[str, Any]) -> None:
    ledger = ledger_with(row_event(1, id=KEY), row_event(2, id=KEY, party_size=5))
    damaged = copy.deepcopy(ledger.document or {}) | damage
    write = rebuild_with_guests(damaged, ledger.entries, {})
    assert write is not None
    repaired = flatten_document(damaged) | write.changed_fields
    assert diff_fields(repaired, flatten_without_write_times(ledger.document)) == {}


def test_a_rebuild_is_journaled_as_an_event_that_reports_nothing() -> None:
    ledger = ledger_with(row_event(1))
    write = rebuild_with_guests(None, ledger.entries, {})
    assert write is not None
    assert (write.entry["eventType"], write.entry["fields"]) == ("staff.rebuilt", {})
    assert merge_journal_entries([*ledger.entries.values(), write.entry]) == ledger.state


def test_a_rebuilt_document_keeps_the_time_of_its_creation() -> None:
    ledger = ledger_with(row_event(1), row_event(2))
    write = rebuild_with_guests(None, ledger.entries, {})
    assert write is not None
    received = sorted(entry["receivedAt"] for entry in ledger.entries.values())
    assert write.changed_fields["createdAt"] == received[0]
    assert write.changed_fields["reconciliation.lastReconciledAt"] == received[-1]


GUEST_ROW = row_event(1, id=KEY, guest_id=GUEST_KEY, guest_request="Nuts")


def test_a_rebuild_requires_an_unread_guest() -> None:
    stored = StoredReservation(None, ledger_with(GUEST_ROW).entries, {})
    assert decide_rebuild(stored, TEST_IDENTITY, CONTEXT) == GuestRequired(GUEST_KEY)


def test_an_unchanged_document_needs_no_commit() -> None:
    ledger = ledger_with(row_event(1, id=KEY))
    assert rebuild_with_guests(ledger.document, ledger.entries, {}) is None


def test_a_rebuilt_document_shows_its_guest_and_the_journal_does_not() -> None:
    write = rebuild_with_guests(None, ledger_with(GUEST_ROW).entries, KNOWN_GUESTS)
    assert write is not None
    assert write.changed_fields["dinerName"] == "Ada Lovelace"
    assert "dinerName" not in write.entry["changes"]
    assert write.entry["changes"]["metadata.specialRequests"] == {"from": None, "to": "Nuts"}


def test_a_rebuilt_document_of_a_forgotten_guest_has_no_personal_data() -> None:
    forgotten = {GUEST_KEY: Guest(GUEST_KEY, forgotten_at=NOON)}
    write = rebuild_with_guests(None, ledger_with(GUEST_ROW).entries, forgotten)
    assert write is not None
    assert write.changed_fields["metadata.specialRequests"] is None
    assert write.entry["changes"].keys() & PERSONAL_PATHS == set()
    assert write.entry["changes"]["partySize"] == {"from": None, "to": 4}


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 7},
        {"fields": None},
        {"fields": {"status": "GONE"}},
        {"fields": {"guestKey": "a/b"}},
        {"actor": "NOBODY"},
        {"eventId": 7},
        {"eventType": None},
    ],
)
def test_a_damaged_journal_rebuilds_nothing(damage: dict[str, Any]) -> None:
    ledger = ledger_with(row_event(1))
    entries = {id_: {**entry, **damage} for id_, entry in ledger.entries.items()}
    with pytest.raises(UnreadableDocumentError):
        rebuild_with_guests(None, entries, {})


def test_a_reservation_without_a_journal_is_left_alone() -> None:
    ledger = ledger_with(row_event(1))
    with pytest.raises(UnreadableDocumentError, match="no entry"):
        rebuild_with_guests(ledger.document, {}, {})
