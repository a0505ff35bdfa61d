from typing import Any

import pytest
from hypothesis import given

from shared.core.change import Speaker
from shared.core.document import flatten
from shared.core.statements import Register, Statements, StatusStatement
from shared.core.states import Status
from shared.core.stored import (
    history_from,
    register_from,
    statements_of,
    stored_history,
    stored_register,
)
from shared.core.versions import stored_version
from tests.statements import relayed, shown
from tests.strategies.histories import Telling, tellings
from tests.strategies.objects import NOON


@given(tellings)
def test_registers_and_history_are_read_back_as_they_were_stored(telling: Telling) -> None:
    statements = Statements()
    for change in telling.arrival:
        statements = statements.hear(change)
    for register in statements.registers.values():
        assert register_from(stored_register(register)) == register
    assert history_from(stored_history(statements.statuses)) == statements.statuses


def test_a_whole_object_leaves_no_field_behind() -> None:
    register = Statements().hear(shown(1)).hear(shown(2)).register(Speaker.OPENTABLE)
    assert stored_register(register)["behind"] == {}


def test_only_a_field_said_earlier_is_stored_with_its_own_version() -> None:
    patched = Statements().hear(relayed(minute=0)).hear(relayed("updated", minute=1, partySize=6))
    stored = stored_register(patched.register(Speaker.RELAY))
    assert stored["version"] == stored_version(relayed("updated", minute=1).version)
    assert stored["behind"].keys() == stored["values"].keys() - {"partySize"}


def test_a_stored_status_tells_who_said_it_and_when() -> None:
    statuses = [StatusStatement(NOON, Speaker.OPENTABLE, 7, "seq-7", Status.SEATED)]
    assert stored_history(statuses) == [
        {"status": "SEATED", "timestamp": NOON, "source": "OPENTABLE", "eventId": "seq-7"}
    ]


def test_an_envelope_whose_id_looks_like_a_sequence_has_none() -> None:
    statuses = (StatusStatement(NOON, Speaker.RELAY, 0, "evt-seq-7", Status.SEATED),)
    assert history_from(stored_history(statuses)) == statuses


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
    statuses = (StatusStatement(NOON, Speaker.OPENTABLE, 7, "seq-7", Status.SEATED),)
    assert history_from([foreign, *stored_history(statuses)]) == statuses


def test_a_document_in_which_nobody_spoke_holds_no_statements() -> None:
    assert statements_of(flatten({"id": "a"})) == Statements()


def test_a_speaker_who_never_spoke_has_an_empty_register() -> None:
    assert statements_of({}).register(Speaker.OPENTABLE) == Register()
