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
from tests.core.memory_ledger import MemoryLedger, ledger_of
from tests.statements import relayed, shown


def by_document_alone(ledger: MemoryLedger, change: ReservationEvent) -> Decision:
    return ledger.judge(change, ledger.held([]))


def test_the_event_last_taken_is_known_by_the_document_alone() -> None:
    for change in (shown(1), relayed()):
        assert isinstance(by_document_alone(ledger_of(change), change), NoChange)


def test_what_is_already_held_is_told_with_it() -> None:
    ledger = ledger_of(shown(1, party_size=6))
    decision = ledger.hear(shown(1, party_size=6))
    assert isinstance(decision, NoChange)
    assert decision.state.resolve_field("partySize") == 6


def test_a_newer_object_needs_no_reading_of_the_journal() -> None:
    assert isinstance(by_document_alone(ledger_of(shown(1)), shown(2)), ReservationWrite)


def test_opentables_first_object_needs_no_reading_of_the_journal() -> None:
    assert isinstance(by_document_alone(ledger_of(relayed()), shown(1)), ReservationWrite)


def test_an_older_object_is_judged_by_its_entry() -> None:
    assert by_document_alone(ledger_of(shown(2)), shown(1)) == JournalEntryRequired("seq-1")


@pytest.mark.parametrize("minute", [0, 2])
def test_an_envelope_is_judged_by_its_entry(minute: int) -> None:
    ledger = ledger_of(relayed(minute=1))
    needed = JournalEntryRequired(f"evt-updated_{minute}")
    assert by_document_alone(ledger, relayed("updated", minute=minute)) == needed


def test_an_older_event_taken_before_is_known_by_its_entry() -> None:
    assert isinstance(ledger_of(shown(1), shown(2)).hear(shown(1)), NoChange)


def test_the_same_event_by_another_way_is_already_held() -> None:
    ledger = ledger_of(shown(1))
    assert isinstance(ledger.hear(shown(1, pos_data={"check_ids": None})), NoChange)


@pytest.mark.parametrize("newer", [(), (shown(2),)])
def test_the_same_version_saying_something_else_is_a_contradiction(
    newer: tuple[ReservationEvent],
) -> None:
    ledger = ledger_of(shown(1), *newer)
    assert isinstance(ledger.hear(shown(1, party_size=9)), VersionConflict)


@pytest.mark.parametrize("newer", [(), (relayed("updated", minute=9),)])
def test_the_same_envelope_saying_something_else_is_a_contradiction(
    newer: tuple[ReservationEvent],
) -> None:
    ledger = ledger_of(relayed(), *newer)
    assert isinstance(ledger.hear(relayed(partySize=9)), VersionConflict)


def test_the_same_envelope_at_another_time_saying_something_else_is_a_contradiction() -> None:
    other = relayed(partySize=9)
    later = replace(other.version, occurred_at=other.version.occurred_at + timedelta(minutes=1))
    assert isinstance(ledger_of(relayed()).hear(replace(other, version=later)), VersionConflict)


@pytest.mark.parametrize("newer", [(), (shown(2),)])
def test_another_spelling_of_the_id_is_no_contradiction(newer: tuple[ReservationEvent]) -> None:
    key = "2b7e9f40-6c1d-4f0a-8e55-91c7d0a4be13"
    ledger = ledger_of(shown(1, id=key), *newer)
    assert isinstance(ledger.hear(shown(1, id=key.upper())), NoChange)
