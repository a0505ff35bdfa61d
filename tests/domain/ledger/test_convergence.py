"""The law: any order, any duplicates, any way of coming and of reading end in one document.

The law with guests: any order of statements on a reservation and its guests, one document.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger import registers
from shared.domain.ledger.decide import ReservationWrite
from shared.domain.ledger.document import UNKNOWN_DINER_NAME, flatten_document, render_document
from shared.domain.ledger.events import Actor, FieldValue, ReservationEvent
from shared.domain.ledger.guest_link import Guest, LinkedGuest, resolve_guest
from shared.domain.ledger.merge import with_linked_guest
from shared.domain.ledger.registers import reservation_state_from_document
from shared.domain.privacy import PERSONAL_FIELDS, redact_json
from tests.strategies.events import ArrivalSequence, arrival_sequence_pairs, arrival_sequences
from tests.strategies.guests import GuestHistory, guest_histories, stored_guest_maps
from tests.support.events import row_event
from tests.support.in_memory_ledger import (
    TEST_IDENTITY,
    WRITE_TIME_FIELDS,
    GuestsByKey,
    InMemoryGuests,
    InMemoryLedger,
    ReadMode,
    apply_all_with_guests,
    apply_to_memory,
    flatten_without_write_times,
    read_mode_lists,
)
from tests.support.oracles import rebuild_state

FIELD_PATHS = {
    "openTableId": "source.openTableId",
    "confirmationId": "source.confirmationId",
    "guestId": "source.guestId",
    "state": "source.state",
    "partySize": "partySize",
    "email": "email",
    "phone": "phone",
    "bookedAt": "bookedAt",
    "arrivedAt": "arrivedAt",
    "seatedAt": "seatedAt",
    "completedAt": "completedAt",
    "startAt": "startAtTimestamp",
    "specialRequests": "metadata.specialRequests",
    "venueNotes": "metadata.venueNotes",
    "tableNumbers": "metadata.tableNumbers",
    "visitTags": "metadata.visitTags",
    "server": "metadata.server",
    "origin": "metadata.origin",
    "cancellationReason": "metadata.cancellationReason",
    "restaurantName": "metadata.restaurantName",
    "startAtNote": "metadata.startAtNote",
}

lengths = st.sampled_from([1, 2, 3, 100])


@contextmanager
def limit_history(length: int) -> Iterator[None]:
    """Let the history of statuses overflow early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registers, "MAX_STATUS_HISTORY_ENTRIES", length)
        yield


def expected_value(changes: Iterable[ReservationEvent], name: str) -> FieldValue:
    """Return what is to be shown, straight from the words of the rule and from no register."""
    for actor in (Actor.OPENTABLE, Actor.RELAY, Actor.LINEUP):
        events = [change for change in changes if change.actor is actor and name in change.fields]
        if events:
            return max(events, key=lambda change: change.version).fields[name]
    return None


@given(arrival_sequence_pairs, read_mode_lists, read_mode_lists, stored_guest_maps, lengths)
def test_any_order_with_any_duplicates_ends_in_the_same_document(
    twice: tuple[ArrivalSequence, ArrivalSequence],
    ways: list[ReadMode],
    other_ways: list[ReadMode],
    guests: GuestsByKey,
    length: int,
) -> None:
    with limit_history(length):
        one = apply_to_memory(twice[0].arrival, ways, guests)
        other = apply_to_memory(twice[1].arrival, other_ways, guests)
    assert flatten_without_write_times(one.document) == flatten_without_write_times(other.document)


@given(
    arrival_sequences,
    read_mode_lists,
    stored_guest_maps,
    lengths,
    st.randoms(use_true_random=False),
)
def test_the_document_can_be_rebuilt_from_its_journal_in_any_order(
    telling: ArrivalSequence, ways: list[ReadMode], guests: GuestsByKey, length: int, random: Random
) -> None:
    with limit_history(length):
        ledger = apply_to_memory(telling.arrival, ways, guests)
        entries = list(ledger.entries.values())
        random.shuffle(entries)
        folded = rebuild_state(entries)
    found = {key: resolve_guest(key, guests) for key in folded.guest_references.keys}
    rejoined = with_linked_guest(folded, found, is_complete=True)
    assert render_document(TEST_IDENTITY, rejoined) == flatten_without_write_times(ledger.document)


@given(arrival_sequences, read_mode_lists)
def test_the_document_shows_the_latest_values_with_opentable_first(
    telling: ArrivalSequence, ways: list[ReadMode]
) -> None:
    document = flatten_without_write_times(apply_to_memory(telling.arrival, ways).document)
    expected = {name: expected_value(telling.arrival, name) for name in FIELD_PATHS}
    assert {name: document.get(path) for name, path in FIELD_PATHS.items()} == expected
    assert document["status"] == (expected_value(telling.arrival, "status") or "CONFIRMED")
    diner = expected_value(telling.arrival, "dinerName") or "OpenTable Guest"
    assert document["dinerName"] == diner


@given(arrival_sequences, lengths)
def test_registers_can_be_read_back_from_the_document(
    telling: ArrivalSequence, length: int
) -> None:
    ledger = InMemoryLedger()
    with limit_history(length):
        for change in telling.arrival:
            decision = ledger.apply(change)
            if isinstance(decision, ReservationWrite):
                assert (
                    reservation_state_from_document(flatten_document(ledger.document or {}))
                    == decision.state
                )


@given(arrival_sequences, read_mode_lists)
def test_an_older_event_changes_no_shown_field(
    telling: ArrivalSequence, ways: list[ReadMode]
) -> None:
    ledger, heard = InMemoryLedger(), list[ReservationEvent]()
    for place, change in enumerate(telling.arrival):
        before = ledger.document
        older = _is_outdated(change, heard)
        decision = ledger.apply(change, ways[place % len(ways)])
        if older and isinstance(decision, ReservationWrite):
            assert (decision.outcome, decision.entry["changes"]) == ("stale", {})
            assert _registers(before) == _registers(ledger.document)
        heard.append(change)


def _is_outdated(change: ReservationEvent, heard: Iterable[ReservationEvent]) -> bool:
    """Whether its speaker has said all that it speaks of at a higher version."""
    newer = [c for c in heard if c.actor is change.actor and c.version > change.version]
    return bool(newer) and change.fields.keys() <= {name for c in newer for name in c.fields}


def _registers(document: dict[str, object] | None) -> object:
    return (document or {}).get("sync")


@given(arrival_sequences, read_mode_lists)
def test_a_write_always_changes_the_document(
    telling: ArrivalSequence, ways: list[ReadMode]
) -> None:
    ledger = InMemoryLedger()
    for place, change in enumerate(telling.arrival):
        before = flatten_without_write_times(ledger.document)
        decision = ledger.apply(change, ways[place % len(ways)])
        if isinstance(decision, ReservationWrite) and decision.changed_fields:
            written = decision.changed_fields.keys() - WRITE_TIME_FIELDS
            assert written
            assert all(
                path not in before or before[path] != decision.changed_fields[path]
                for path in written
            )


def test_the_history_keeps_the_newest_hundred_statuses_of_any_order() -> None:
    states = ("Confirmed", "Seated", "Done")
    changes = [row_event(number, state=states[number % 3]) for number in range(1, 131)]
    Random(2026).shuffle(changes)
    document = apply_to_memory(changes, ["entry"]).document or {}
    newest = [f"seq-{number}" for number in range(31, 131)]
    assert [item["eventId"] for item in document["statusHistory"]] == newest


patiences = st.lists(st.booleans(), min_size=1, max_size=4)


def _final(world: InMemoryGuests) -> dict[str, Any]:
    return flatten_without_write_times(world.ledger.document)


@given(guest_histories(), read_mode_lists, read_mode_lists, patiences, patiences)
def test_any_order_of_reservation_and_guests_ends_in_the_same_document(
    tale: GuestHistory,
    ways: list[ReadMode],
    other_ways: list[ReadMode],
    patience: list[bool],
    other_patience: list[bool],
) -> None:
    one = apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience)
    other = apply_all_with_guests(tale.orders[1], tale.final_guests(), other_ways, other_patience)
    assert _final(one) == _final(other)


@given(guest_histories(), read_mode_lists, patiences)
def test_the_diner_is_the_resolved_guest_or_else_the_one_in_the_envelope(
    tale: GuestHistory, ways: list[ReadMode], patience: list[bool]
) -> None:
    document = _final(apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience))
    statements = reservation_state_from_document(document)
    guest = resolve_guest(str(statements.resolve_field("guestKey")), _as_fetched(tale))
    name = guest.diner_name if isinstance(guest, LinkedGuest) else None
    if document:
        shown = name or statements.resolve_field("dinerName") or UNKNOWN_DINER_NAME
        assert document["dinerName"] == shown


def _as_fetched(tale: GuestHistory) -> dict[str, Guest | None]:
    """Return OpenTable's guests, with an empty record for whom it does not have."""
    truth = tale.final_guests()
    survivors = {guest.survivor_key for guest in truth.values() if guest.survivor_key}
    return {**{key: Guest(key) for key in survivors}, **truth}


@given(guest_histories(), read_mode_lists, patiences)
def test_no_personal_data_is_stored_if_a_reservation_ever_referenced_a_forgotten_guest(
    tale: GuestHistory, ways: list[ReadMode], patience: list[bool]
) -> None:
    ledger = apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience).ledger
    document = flatten_document(ledger.document or {})
    if not document.get("guests.forgotten"):
        return
    values = [value for name, value in _values(document) if name in PERSONAL_FIELDS]
    assert [value for value in values if value] == []
    for entry in ledger.entries.values():
        assert not [
            entry["fields"][n]
            for n in PERSONAL_FIELDS & entry["fields"].keys()
            if entry["fields"][n]
        ]
        assert entry["payload"] == redact_json(entry["payload"])


def _values(document: dict[str, Any]) -> list[tuple[str, Any]]:
    registers = [value for path, value in document.items() if path.startswith("sync.")]
    return [
        pair for register in registers if register for pair in register.get("values", {}).items()
    ]


@given(guest_histories(), read_mode_lists, patiences)
def test_a_reservation_is_erased_if_any_referenced_guest_resolves_to_a_forgotten_one(
    tale: GuestHistory, ways: list[ReadMode], patience: list[bool]
) -> None:
    world = apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience)
    statements = reservation_state_from_document(_final(world))
    found = [resolve_guest(key, _as_fetched(tale)) for key in statements.guest_references.keys]
    gone = any(isinstance(each, LinkedGuest) and each.is_forgotten for each in found)
    assert statements.guest_references.has_forgotten_guest or not gone


@given(guest_histories(), read_mode_lists, patiences)
def test_the_document_can_be_rebuilt_from_journal_and_guests(
    tale: GuestHistory, ways: list[ReadMode], patience: list[bool]
) -> None:
    world = apply_all_with_guests(tale.orders[0], tale.final_guests(), ways, patience)
    folded = rebuild_state(world.ledger.entries.values())
    found = {key: resolve_guest(key, world.stored) for key in folded.guest_references.keys}
    if world.ledger.document is not None:
        assert render_document(
            TEST_IDENTITY, with_linked_guest(folded, found, is_complete=True)
        ) == _final(world)
