from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.core.change import ReservationEvent
from shared.core.decision import (
    Decision,
    JournalEntryRequired,
    NoChange,
    ReservationWrite,
    VersionConflict,
)
from tests.core.memory_ledger import InMemoryLedger, ledger_with
from tests.statements import envelope_event, row_event


def decide_by_document(ledger: InMemoryLedger, change: ReservationEvent) -> Decision:
    return ledger.decide(change, ledger.read_stored([]))


def test_the_last_applied_event_is_recognized_from_the_document() -> None:
    for change in (row_event(1), envelope_event()):
        assert isinstance(decide_by_document(ledger_with(change), change), NoChange)


def test_a_duplicate_returns_the_stored_state() -> None:
    ledger = ledger_with(row_event(1, party_size=6))
    decision = ledger.apply(row_event(1, party_size=6))
    assert isinstance(decision, NoChange)
    assert decision.state.resolve_field("partySize") == 6


def test_a_newer_row_needs_no_journal_read() -> None:
    assert isinstance(decide_by_document(ledger_with(row_event(1)), row_event(2)), ReservationWrite)


def test_the_first_row_needs_no_journal_read() -> None:
    assert isinstance(
        decide_by_document(ledger_with(envelope_event()), row_event(1)), ReservationWrite
    )


def test_an_older_row_is_decided_by_its_journal_entry() -> None:
    assert decide_by_document(ledger_with(row_event(2)), row_event(1)) == JournalEntryRequired(
        "seq-1"
    )


@pytest.mark.parametrize("minute", [0, 2])
def test_an_envelope_is_decided_by_its_journal_entry(minute: int) -> None:
    ledger = ledger_with(envelope_event(minute=1))
    needed = JournalEntryRequired(f"evt-updated_{minute}")
    assert decide_by_document(ledger, envelope_event("updated", minute=minute)) == needed


def test_an_older_applied_event_is_recognized_by_its_journal_entry() -> None:
    assert isinstance(ledger_with(row_event(1), row_event(2)).apply(row_event(1)), NoChange)


def test_the_same_event_through_another_channel_is_a_duplicate() -> None:
    ledger = ledger_with(row_event(1))
    assert isinstance(ledger.apply(row_event(1, pos_data={"check_ids": None})), NoChange)


@pytest.mark.parametrize("newer", [(), (row_event(2),)])
def test_an_equal_version_with_other_content_is_a_conflict(
    newer: tuple[ReservationEvent],
) -> None:
    ledger = ledger_with(row_event(1), *newer)
    assert isinstance(ledger.apply(row_event(1, party_size=9)), VersionConflict)


@pytest.mark.parametrize("newer", [(), (envelope_event("updated", minute=9),)])
def test_an_equal_envelope_id_with_other_content_is_a_conflict(
    newer: tuple[ReservationEvent],
) -> None:
    ledger = ledger_with(envelope_event(), *newer)
    assert isinstance(ledger.apply(envelope_event(partySize=9)), VersionConflict)


def test_an_equal_envelope_id_at_another_time_with_other_content_is_a_conflict() -> None:
    other = envelope_event(partySize=9)
    later = replace(other.version, occurred_at=other.version.occurred_at + timedelta(minutes=1))
    assert isinstance(
        ledger_with(envelope_event()).apply(replace(other, version=later)), VersionConflict
    )


@pytest.mark.parametrize("newer", [(), (row_event(2),)])
def test_another_id_format_is_not_a_conflict(newer: tuple[ReservationEvent]) -> None:
    key = "2b7e9f40-6c1d-4f0a-8e55-91c7d0a4be13"
    ledger = ledger_with(row_event(1, id=key), *newer)
    assert isinstance(ledger.apply(row_event(1, id=key.upper())), NoChange)
