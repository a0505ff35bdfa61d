"""Any order, duplicates, channels and read modes end in one document, with and without guests."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger import registers
from shared.domain.ledger.decide import ReservationWrite
from shared.domain.ledger.document import (
    UNKNOWN_DINER_NAME,
    FlatDocument,
    render_document,
)
from shared.domain.ledger.events import Actor, FieldValue, ReservationEvent
from shared.domain.ledger.fields import PATHS_BY_NAME
from shared.domain.ledger.guest_link import Guest, LinkedGuest, resolve_guest
from shared.domain.ledger.registers import ReservationState, link_guest
from shared.domain.privacy import PERSONAL_FIELDS, redact_json
from tests.strategies.events import (
    ArrivalSequence,
    arrival_sequence_pairs,
    arrival_sequences,
    event_from_envelope_body,
)
from tests.strategies.guests import GuestHistory, guest_histories, stored_guest_maps
from tests.strategies.ledgers import fetch_choices, ledgers_with_guests
from tests.support.events import envelope_body, row_event
from tests.support.in_memory_ledger import (
    TEST_IDENTITY,
    WRITE_TIME_FIELDS,
    GuestsByKey,
    InMemoryGuests,
    InMemoryLedger,
    ReadMode,
    apply_all_with_guests,
    apply_to_memory,
    flatten_without_spellings,
    flatten_without_write_times,
    read_mode_lists,
)
from tests.support.oracles import rebuild_state

# Status and name have a default, and the start is stored in three forms.
PLAIN_PATHS = PATHS_BY_NAME | {"startAt": "startAtTimestamp"}
del PLAIN_PATHS["status"], PLAIN_PATHS["dinerName"]

history_lengths = st.sampled_from([1, 2, 3, 100])


@contextmanager
def limit_history(length: int) -> Iterator[None]:
    """Make the status history overflow early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registers, "MAX_STATUS_HISTORY_ENTRIES", length)
        yield


def expected_value(events: Iterable[ReservationEvent], name: str) -> FieldValue:
    """Return the value to show, computed from the rule without registers."""
    for actor in (Actor.OPENTABLE, Actor.RELAY, Actor.LINEUP):
        reports = [event for event in events if event.actor is actor and name in event.fields]
        if reports:
            return max(reports, key=lambda event: event.version).fields[name]
    return None


def render_with_guests(state: ReservationState, guests: GuestsByKey) -> FlatDocument:
    resolved = {key: resolve_guest(key, guests) for key in state.guest_references.keys}
    return render_document(TEST_IDENTITY, link_guest(state, resolved, is_complete=True))


def final_document(guests: InMemoryGuests) -> FlatDocument:
    return flatten_without_write_times(guests.ledger.document)


def fetched_guests(guests: InMemoryGuests) -> dict[str, Guest | None]:
    """Return OpenTable's guests, with an empty record for each survivor that it does not have."""
    known = guests.opentable_guests
    survivors = {guest.survivor_key for guest in known.values() if guest.survivor_key}
    return {**{key: Guest(key) for key in survivors}, **known}


@given(arrival_sequence_pairs, read_mode_lists, read_mode_lists, stored_guest_maps, history_lengths)
def test_any_order_with_any_duplicates_ends_in_the_same_document(
    sequences: tuple[ArrivalSequence, ArrivalSequence],
    modes: list[ReadMode],
    other_modes: list[ReadMode],
    guests: GuestsByKey,
    length: int,
) -> None:
    with limit_history(length):
        one = apply_to_memory(sequences[0].arrival, modes, guests)
        other = apply_to_memory(sequences[1].arrival, other_modes, guests)
    assert flatten_without_spellings(one.document) == flatten_without_spellings(other.document)


@given(
    arrival_sequences,
    read_mode_lists,
    stored_guest_maps,
    history_lengths,
    st.randoms(use_true_random=False),
)
def test_the_document_can_be_rebuilt_from_its_journal_in_any_order(
    sequence: ArrivalSequence,
    modes: list[ReadMode],
    guests: GuestsByKey,
    length: int,
    random: Random,
) -> None:
    with limit_history(length):
        ledger = apply_to_memory(sequence.arrival, modes, guests)
        entries = list(ledger.entries.values())
        random.shuffle(entries)
        rebuilt = rebuild_state(entries)
    assert render_with_guests(rebuilt, guests) == flatten_without_write_times(ledger.document)


@given(arrival_sequences, read_mode_lists)
def test_the_document_shows_the_latest_values_with_opentable_first(
    sequence: ArrivalSequence, modes: list[ReadMode]
) -> None:
    document = flatten_without_write_times(apply_to_memory(sequence.arrival, modes).document)
    expected = {name: expected_value(sequence.arrival, name) for name in PLAIN_PATHS}
    assert {name: document.get(path) for name, path in PLAIN_PATHS.items()} == expected
    assert document["status"] == (expected_value(sequence.arrival, "status") or "CONFIRMED")
    name = expected_value(sequence.arrival, "dinerName") or "OpenTable Guest"
    assert document["dinerName"] == name


ONE_SECOND_SIZES = {"created": 2, "updated": 3, "cancelled": None}


@given(st.permutations(list(ONE_SECOND_SIZES)), st.permutations("abc"), read_mode_lists)
def test_envelopes_of_one_time_end_with_the_latest_type_in_any_order(
    kinds: list[str], ids: list[str], modes: list[ReadMode]
) -> None:
    bodies = [envelope_body(kind, partySize=ONE_SECOND_SIZES[kind], status=None) for kind in kinds]
    events = [
        event_from_envelope_body(body | {"id": id_}) for body, id_ in zip(bodies, ids, strict=True)
    ]
    document = apply_to_memory(events, modes).document
    assert document is not None
    assert (document["status"], document["partySize"]) == ("CANCELLED", 3)
    statuses = [entry["status"] for entry in document["statusHistory"]]
    assert statuses == ["CONFIRMED", "CANCELLED"]


@given(arrival_sequences, history_lengths)
def test_registers_can_be_read_back_from_the_document(
    sequence: ArrivalSequence, length: int
) -> None:
    ledger = InMemoryLedger()
    with limit_history(length):
        for event in sequence.arrival:
            decision = ledger.apply(event)
            if isinstance(decision, ReservationWrite):
                assert ledger.state == decision.state


@given(arrival_sequences, read_mode_lists)
def test_an_older_event_changes_no_shown_field(
    sequence: ArrivalSequence, modes: list[ReadMode]
) -> None:
    ledger, written = InMemoryLedger(), list[ReservationEvent]()
    for index, event in enumerate(sequence.arrival):
        sync_before = (ledger.document or {}).get("sync")
        newer = [e for e in written if e.actor is event.actor and e.version > event.version]
        newer_fields = {name for e in newer for name in e.fields}
        decision = ledger.apply(event, modes[index % len(modes)])
        is_outdated = bool(newer) and event.fields.keys() <= newer_fields
        if is_outdated and isinstance(decision, ReservationWrite):
            assert (decision.outcome, decision.entry["changes"]) == ("stale", {})
            assert (ledger.document or {}).get("sync") == sync_before
        # A repeat in another notation is not written, so its fields are not stored.
        if isinstance(decision, ReservationWrite):
            written.append(event)


@given(arrival_sequences, read_mode_lists)
def test_a_write_always_changes_the_document(
    sequence: ArrivalSequence, modes: list[ReadMode]
) -> None:
    ledger = InMemoryLedger()
    for index, event in enumerate(sequence.arrival):
        before = flatten_without_write_times(ledger.document)
        decision = ledger.apply(event, modes[index % len(modes)])
        if isinstance(decision, ReservationWrite) and decision.changed_fields:
            written = decision.changed_fields.keys() - WRITE_TIME_FIELDS
            assert written
            assert all(
                path not in before or before[path] != decision.changed_fields[path]
                for path in written
            )


def test_the_history_keeps_the_newest_hundred_statuses_of_any_order() -> None:
    states = ("Confirmed", "Seated", "Done")
    events = [row_event(number, state=states[number % 3]) for number in range(1, 131)]
    Random(2026).shuffle(events)
    document = apply_to_memory(events, ["entry"]).document or {}
    newest = [f"seq-{number}" for number in range(31, 131)]
    assert [item["eventId"] for item in document["statusHistory"]] == newest


@given(guest_histories(), read_mode_lists, read_mode_lists, fetch_choices, fetch_choices)
def test_any_order_of_reservation_and_guests_ends_in_the_same_document(
    history: GuestHistory,
    modes: list[ReadMode],
    other_modes: list[ReadMode],
    fetch: list[bool],
    other_fetch: list[bool],
) -> None:
    guests = history.final_guests()
    one = apply_all_with_guests(history.orders[0], guests, modes, fetch)
    other = apply_all_with_guests(history.orders[1], guests, other_modes, other_fetch)
    assert final_document(one) == final_document(other)


@given(ledgers_with_guests)
def test_the_diner_is_the_resolved_guest_or_else_the_one_in_the_envelope(
    guests: InMemoryGuests,
) -> None:
    document = final_document(guests)
    state = guests.ledger.state
    guest = resolve_guest(str(state.resolve_field("guestKey")), fetched_guests(guests))
    name = guest.diner_name if isinstance(guest, LinkedGuest) else None
    if document:
        shown = name or state.resolve_field("dinerName") or UNKNOWN_DINER_NAME
        assert document["dinerName"] == shown


@given(ledgers_with_guests)
def test_no_personal_data_is_stored_if_a_reservation_ever_referenced_a_forgotten_guest(
    guests: InMemoryGuests,
) -> None:
    state, entries = guests.ledger.state, guests.ledger.entries
    if not state.guest_references.has_forgotten_guest:
        return
    for actor_registers in state.registers_by_actor.values():
        values = {name: current.value for name, current in actor_registers.fields.items()}
        assert not any(values.get(name) for name in PERSONAL_FIELDS)
    for entry in entries.values():
        assert not any(entry["fields"].get(name) for name in PERSONAL_FIELDS)
        assert entry["payload"] == redact_json(entry["payload"])


@given(ledgers_with_guests)
def test_a_reservation_is_erased_if_any_referenced_guest_resolves_to_a_forgotten_one(
    guests: InMemoryGuests,
) -> None:
    references = guests.ledger.state.guest_references
    resolved = [resolve_guest(key, fetched_guests(guests)) for key in references.keys]
    if any(isinstance(guest, LinkedGuest) and guest.is_forgotten for guest in resolved):
        assert references.has_forgotten_guest


@given(ledgers_with_guests)
def test_the_document_can_be_rebuilt_from_journal_and_guests(guests: InMemoryGuests) -> None:
    if guests.ledger.document is not None:
        rebuilt = rebuild_state(guests.ledger.entries.values())
        assert render_with_guests(rebuilt, guests.stored) == final_document(guests)
