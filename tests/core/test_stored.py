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
from tests.statements import relayed, shown
from tests.strategies.histories import Telling, tellings
from tests.strategies.objects import NOON


@given(tellings)
def test_registers_and_history_are_read_back_as_they_were_stored(telling: Telling) -> None:
    statements = ReservationState()
    for change in telling.arrival:
        statements = statements.merge(change)
    for register in statements.registers_by_actor.values():
        assert registers_from_map(registers_to_map(register)) == register
    assert (
        status_history_from_maps(status_history_to_maps(statements.status_history))
        == statements.status_history
    )


def test_a_whole_object_leaves_no_field_behind() -> None:
    register = ReservationState().merge(shown(1)).merge(shown(2)).get_registers(Actor.OPENTABLE)
    assert registers_to_map(register)["behind"] == {}


def test_only_a_field_said_earlier_is_stored_with_its_own_version() -> None:
    patched = (
        ReservationState().merge(relayed(minute=0)).merge(relayed("updated", minute=1, partySize=6))
    )
    stored = registers_to_map(patched.get_registers(Actor.RELAY))
    assert stored["version"] == version_to_map(relayed("updated", minute=1).version)
    assert stored["behind"].keys() == stored["values"].keys() - {"partySize"}


def test_a_stored_status_tells_who_said_it_and_when() -> None:
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
def test_an_entry_in_an_earlier_apps_form_is_passed_over(foreign: Any) -> None:
    statuses = (StatusHistoryEntry(NOON, Actor.OPENTABLE, 7, "seq-7", ReservationStatus.SEATED),)
    assert status_history_from_maps([foreign, *status_history_to_maps(statuses)]) == statuses


def test_a_document_in_which_nobody_spoke_holds_no_statements() -> None:
    assert reservation_state_from_document(flatten_document({"id": "a"})) == ReservationState()


def test_a_speaker_who_never_spoke_has_an_empty_register() -> None:
    assert reservation_state_from_document({}).get_registers(Actor.OPENTABLE) == FieldRegisters()
