from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.ledger.document import (
    registers_from_map,
    registers_to_map,
    reservation_state_from_document,
    status_history_from_maps,
)
from shared.domain.ledger.events import (
    ANONYMIZED_EVENT_TYPE,
    Actor,
    ReservationEvent,
    Version,
    version_to_map,
)
from shared.domain.ledger.guest_link import UNVERSIONED, LinkedGuest
from shared.domain.ledger.registers import (
    FieldRegisters,
    RegisterValue,
    ReservationState,
    StatusHistoryEntry,
)
from shared.domain.normalization.field_values import ReservationStatus
from shared.domain.validation import flatten_document
from shared.errors import UnreadableDocumentError
from tests.strategies.events import NOON, ArrivalSequence, arrival_sequences
from tests.support.events import envelope_event, merge_events, row_event

FIRST, SECOND = (Version.from_sequence(number, NOON) for number in (1, 2))
FIRST_1, SECOND_2 = RegisterValue(FIRST, 1), RegisterValue(SECOND, 2)


def to_maps(history: Iterable[StatusHistoryEntry]) -> list[dict[str, Any]]:
    return [entry.to_map() for entry in history]


@given(arrival_sequences, st.randoms(use_true_random=False))
def test_merging_is_commutative(sequence: ArrivalSequence, random: Random) -> None:
    other = random.sample(sequence.arrival, len(sequence.arrival))
    assert merge_events(*other) == merge_events(*sequence.arrival)


@given(arrival_sequences)
def test_merging_is_idempotent(sequence: ArrivalSequence) -> None:
    state = merge_events(*sequence.arrival)
    assert merge_events(*sequence.arrival, *sequence.arrival) == state


@pytest.mark.parametrize(
    "second_values, first_values, fields",
    [
        pytest.param({"a": 2}, {"a": 1, "b": 1}, {"a": SECOND_2, "b": FIRST_1}, id="latest values"),
        pytest.param({"a": None}, {"a": 1}, {"a": RegisterValue(SECOND, None)}, id="null"),
        pytest.param({}, {"a": 1}, {"a": FIRST_1}, id="empty event"),
    ],
)
def test_registers_have_the_highest_version_and_the_latest_value_of_each_field(
    second_values: dict[str, Any], first_values: dict[str, Any], fields: dict[str, RegisterValue]
) -> None:
    registers = FieldRegisters().merge_values(SECOND, second_values)
    assert registers.merge_values(FIRST, first_values) == FieldRegisters(SECOND, fields)


@pytest.mark.parametrize(
    "version, values, is_conflict",
    [
        pytest.param(FIRST, {"a": 1, "b": 2}, True, id="another value at the same version"),
        pytest.param(FIRST, {"a": 1, "c": 2}, False, id="the same value at the same version"),
        pytest.param(SECOND, {"a": 2}, False, id="another value at another version"),
        pytest.param(FIRST, {"startAtNote": "x"}, False, id="another form of the start"),
        pytest.param(FIRST, {"text": "Allergic…[cut]"}, False, id="the same text, cut earlier"),
        pytest.param(FIRST, {"text": "Nuts…[cut]"}, True, id="another text, cut"),
    ],
)
def test_only_another_value_at_the_same_version_is_a_conflict(
    version: Version, values: dict[str, Any], *, is_conflict: bool
) -> None:
    registers = FieldRegisters().merge_values(
        FIRST, {"a": 1, "b": 1, "startAtNote": "y", "text": "Allergic to nuts"}
    )
    assert registers.has_conflict(version, values) is is_conflict


LINEUP_EVENT = replace(envelope_event(minute=30, partySize=9), actor=Actor.LINEUP)


RELAY_EVENT = envelope_event(minute=30, partySize=9, specialRequests="Nuts", dinerName="Ada")
ROW = row_event(1, party_size=2, guest_request=None)


@pytest.mark.parametrize(
    "events, name, value",
    [
        pytest.param((ROW, RELAY_EVENT), "partySize", 2, id="opentable before relay"),
        pytest.param((ROW, RELAY_EVENT), "specialRequests", None, id="a null before relay"),
        pytest.param((ROW, RELAY_EVENT), "dinerName", "Ada", id="only the relay"),
        pytest.param((ROW,), "dinerName", None, id="unreported"),
        pytest.param(
            (LINEUP_EVENT, envelope_event(partySize=2)), "partySize", 2, id="relay before lineup"
        ),
    ],
)
def test_the_first_actor_that_reported_a_field_wins_regardless_of_clocks(
    events: tuple[ReservationEvent, ...], name: str, value: object
) -> None:
    assert merge_events(*events).resolve_field(name) == value


UPPERCASE_ID = "555001-65AA01BB02CC03DD04EE05FF"


@pytest.mark.parametrize(
    "events, request_id",
    [
        ((), None),
        ((row_event(1, guest_id="G"),), "555001-G"),
        ((row_event(1, guest_id=UPPERCASE_ID),), UPPERCASE_ID),
        ((row_event(1, guest_id=UPPERCASE_ID), row_event(2, guest_id="G")), "555001-G"),
        ((row_event(1, guest_id=UPPERCASE_ID), row_event(2, guest_id=None)), None),
    ],
)
def test_a_request_uses_the_id_as_opentable_wrote_it(
    events: tuple[ReservationEvent, ...], request_id: str | None
) -> None:
    assert merge_events(*events).find_opentable_id("guestId") == request_id


def test_an_unknown_state_leaves_the_status_as_it_was() -> None:
    state = merge_events(row_event(1, state="Seated"), row_event(2, state="bottle_service"))
    assert state.resolve_field("status") == "SEATED"
    assert state.resolve_field("state") == "bottle_service"


@pytest.mark.parametrize(
    "other, status",
    [
        (envelope_event(minute=1), "CANCELLED"),
        (envelope_event("updated", minute=3, status="confirmed"), "CONFIRMED"),
    ],
)
def test_only_a_newer_event_restores_a_cancelled_reservation(
    other: ReservationEvent, status: str
) -> None:
    cancelled = envelope_event("cancelled", minute=2)
    assert merge_events(cancelled, other).resolve_field("status") == status


def test_the_history_is_ordered_by_time_and_contains_an_event_once() -> None:
    events = [envelope_event("cancelled", minute=2), row_event(61), envelope_event(minute=0)]
    history = merge_events(*events, row_event(61)).status_history
    ids = [entry.event_id for entry in history]
    assert ids == ["evt-created_0", "seq-61", "evt-cancelled_2"]


def test_an_event_without_a_status_is_not_in_the_history() -> None:
    assert merge_events(envelope_event("updated", partySize=2)).status_history == ()


def test_a_repair_changes_no_value_and_no_version() -> None:
    repair = replace(envelope_event("updated"), actor=Actor.LINEUP)
    assert merge_events(row_event(1), repair) == merge_events(row_event(1))


def test_an_anonymization_only_unlinks_the_guest_and_forbids_personal_data() -> None:
    linked = replace(merge_events(row_event(1)), linked_guest=LinkedGuest(("ada",), UNVERSIONED))
    anonymized = linked.merge_event(replace(row_event(2), event_type=ANONYMIZED_EVENT_TYPE))
    references = replace(linked.guest_references, is_anonymized=True)
    assert anonymized == replace(linked, linked_guest=None, guest_references=references)
    assert anonymized.guest_references.forbids_personal_data


@given(arrival_sequences)
def test_registers_and_history_are_read_back_as_they_were_stored(sequence: ArrivalSequence) -> None:
    state = merge_events(*sequence.arrival)
    for registers in state.registers_by_actor.values():
        assert registers_from_map(registers_to_map(registers)) == registers
    assert status_history_from_maps(to_maps(state.status_history)) == state.status_history


def test_a_complete_row_leaves_no_older_field() -> None:
    registers = merge_events(row_event(1), row_event(2)).get_registers(Actor.OPENTABLE)
    assert registers_to_map(registers)["olderVersions"] == {}


def test_only_older_fields_are_stored_with_their_own_version() -> None:
    patch = envelope_event("updated", minute=1, partySize=6)
    stored = registers_to_map(merge_events(envelope_event(), patch).get_registers(Actor.RELAY))
    assert stored["version"] == version_to_map(patch.version)
    assert stored["olderVersions"].keys() == stored["values"].keys() - {"partySize"}


HISTORY = (StatusHistoryEntry(NOON, Actor.OPENTABLE, 7, 0, "seq-7", ReservationStatus.SEATED),)


def test_a_stored_status_has_actor_and_time() -> None:
    assert to_maps(HISTORY) == [
        {"status": "SEATED", "timestamp": NOON, "source": "OPENTABLE", "eventId": "seq-7"}
    ]


def test_an_envelope_whose_id_looks_like_a_sequence_has_none() -> None:
    history = (StatusHistoryEntry(NOON, Actor.RELAY, 0, 1, "evt-seq-7", ReservationStatus.SEATED),)
    assert status_history_from_maps(to_maps(history)) == history


@pytest.mark.parametrize(
    "foreign",
    [
        {"status": "CONFIRMED", "by": "app"},
        {"status": "confirmed", "timestamp": NOON, "source": "OPENTABLE", "eventId": "a"},
        {"status": "SEATED", "timestamp": NOON, "source": "opentable_webhook", "eventId": "a"},
        {"status": "SEATED", "timestamp": NOON, "source": "RELAY", "eventId": 7},
        {"status": "SEATED", "timestamp": "12:00", "source": "RELAY", "eventId": "a"},
        {"status": "SEATED", "timestamp": NOON, "source": "RELAY", "eventId": "a", "typeRank": "1"},
        "SEATED",
        None,
    ],
    ids=str,
)
def test_a_history_entry_in_another_format_is_skipped(foreign: Any) -> None:
    assert status_history_from_maps([foreign, *to_maps(HISTORY)]) == HISTORY


def test_a_document_without_events_has_empty_registers() -> None:
    assert reservation_state_from_document(flatten_document({"id": "a"})) == ReservationState()


def test_an_actor_without_events_has_an_empty_register() -> None:
    assert reservation_state_from_document({}).get_registers(Actor.OPENTABLE) == FieldRegisters()


@pytest.mark.parametrize("damage", [{"sync": "x"}, {"sync.opentable": {"version": 1}}])
def test_a_damaged_document_has_no_state(damage: dict[str, object]) -> None:
    with pytest.raises(UnreadableDocumentError):
        reservation_state_from_document(damage)
