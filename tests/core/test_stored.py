from typing import Any

import pytest
from hypothesis import given

from shared.core.change import Actor
from shared.core.document import flatten_document
from shared.core.statements import FieldRegisters, ReservationState, StatusHistoryEntry
from shared.core.states import ReservationStatus
from shared.core.stored import (
    registers_from_map,
    registers_to_map,
    reservation_state_from_document,
    status_history_from_maps,
    status_history_to_maps,
)
from shared.core.versions import version_to_map
from tests.statements import envelope_event, row_event
from tests.strategies.histories import ArrivalSequence, arrival_sequences
from tests.strategies.objects import NOON


@given(arrival_sequences)
def test_registers_and_history_are_read_back_as_they_were_stored(telling: ArrivalSequence) -> None:
    statements = ReservationState()
    for change in telling.arrival:
        statements = statements.merge(change)
    for register in statements.registers_by_actor.values():
        assert registers_from_map(registers_to_map(register)) == register
    assert (
        status_history_from_maps(status_history_to_maps(statements.status_history))
        == statements.status_history
    )


def test_a_complete_row_leaves_no_older_field() -> None:
    register = (
        ReservationState().merge(row_event(1)).merge(row_event(2)).get_registers(Actor.OPENTABLE)
    )
    assert registers_to_map(register)["olderVersions"] == {}


def test_only_older_fields_are_stored_with_their_own_version() -> None:
    patched = (
        ReservationState()
        .merge(envelope_event(minute=0))
        .merge(envelope_event("updated", minute=1, partySize=6))
    )
    stored = registers_to_map(patched.get_registers(Actor.RELAY))
    assert stored["version"] == version_to_map(envelope_event("updated", minute=1).version)
    assert stored["olderVersions"].keys() == stored["values"].keys() - {"partySize"}


def test_a_stored_status_has_actor_and_time() -> None:
    statuses = [StatusHistoryEntry(NOON, Actor.OPENTABLE, 7, "seq-7", ReservationStatus.SEATED)]
    assert status_history_to_maps(statuses) == [
        {"status": "SEATED", "timestamp": NOON, "source": "OPENTABLE", "eventId": "seq-7"}
    ]


def test_an_envelope_whose_id_looks_like_a_sequence_has_none() -> None:
    statuses = (StatusHistoryEntry(NOON, Actor.RELAY, 0, "evt-seq-7", ReservationStatus.SEATED),)
    assert status_history_from_maps(status_history_to_maps(statuses)) == statuses


@pytest.mark.parametrize(
    "foreign",
    [
        {"status": "CONFIRMED", "by": "app"},
        {"status": "confirmed", "timestamp": NOON, "source": "OPENTABLE", "eventId": "a"},
        {"status": "SEATED", "timestamp": NOON, "source": "opentable_webhook", "eventId": "a"},
        {"status": "SEATED", "timestamp": NOON, "source": "RELAY", "eventId": 7},
        "SEATED",
        None,
    ],
    ids=str,
)
def test_a_history_entry_in_another_format_is_skipped(foreign: Any) -> None:
    statuses = (StatusHistoryEntry(NOON, Actor.OPENTABLE, 7, "seq-7", ReservationStatus.SEATED),)
    assert status_history_from_maps([foreign, *status_history_to_maps(statuses)]) == statuses


def test_a_document_without_events_has_empty_registers() -> None:
    assert reservation_state_from_document(flatten_document({"id": "a"})) == ReservationState()


def test_an_actor_without_events_has_an_empty_register() -> None:
    assert reservation_state_from_document({}).get_registers(Actor.OPENTABLE) == FieldRegisters()
