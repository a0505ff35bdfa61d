"""An event creates, updates, is stale, repeats a stored one, or conflicts with it."""

import copy
from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.ledger.decide import (
    Decision,
    JournalEntryRequired,
    NoChange,
    ReservationWrite,
    VersionConflict,
    build_repeated_sequence_entry_id,
)
from shared.domain.ledger.events import (
    GUEST_LINKED_EVENT_TYPE,
    Channel,
    EventOutcome,
    ReservationEvent,
    build_lineup_event,
    version_to_map,
)
from shared.domain.ledger.guest_link import Guest
from shared.domain.ledger.registers import NOTATION_FIELDS
from tests.strategies.events import GUEST_KEY, NOON, ArrivalSequence, arrival_sequences
from tests.strategies.guests import KNOWN_GUESTS, stored_guest_maps
from tests.support.events import RECEIVED, envelope_event, row_event
from tests.support.in_memory_ledger import (
    WRITE_TIME_FIELDS,
    GuestsByKey,
    InMemoryLedger,
    ReadMode,
    apply_to_memory,
    ledger_with,
    read_mode_lists,
    read_modes,
)

FORGOTTEN_GUESTS = {GUEST_KEY: Guest(GUEST_KEY, forgotten_at=NOON)}


def lineup_event(event_type: str) -> ReservationEvent:
    """Return an event of Lineup's that only renders the document again."""
    return build_lineup_event(
        "ot_1",
        event_id="lineup-1",
        event_type=event_type,
        occurred_at=RECEIVED,
        channel=Channel.RECONCILIATION,
    )


def apply_committed(ledger: InMemoryLedger, event: ReservationEvent) -> ReservationWrite:
    decision = ledger.apply(event)
    assert isinstance(decision, ReservationWrite)
    return decision


@pytest.mark.parametrize("event", [envelope_event(), envelope_event("cancelled"), row_event(1)])
def test_the_first_event_creates_the_document(event: ReservationEvent) -> None:
    write = apply_committed(InMemoryLedger(), event)
    assert (write.outcome, write.is_create) == (EventOutcome.CREATED, True)


CREATED_AND_CONFIRMED_LATER = (
    envelope_event(minute=1),
    envelope_event("updated", minute=3, status="confirmed"),
)
LATE_PATCH = envelope_event("updated", minute=2, partySize=4)
LATER_RELAY_EVENT = envelope_event("updated", minute=30, partySize=9)
EMPTY_PATCHES = envelope_event("updated", minute=1), envelope_event("updated", minute=2)


@pytest.mark.parametrize(
    "stored, event, outcome",
    [
        pytest.param([row_event(1)], row_event(2, party_size=6), "updated", id="other values"),
        pytest.param([row_event(1)], row_event(2, state=None), "unchanged", id="equal values"),
        pytest.param([envelope_event()], EMPTY_PATCHES[0], "unchanged", id="empty patch"),
        pytest.param(CREATED_AND_CONFIRMED_LATER, LATE_PATCH, "unchanged", id="late equal values"),
        pytest.param([row_event(1)], LATER_RELAY_EVENT, "unchanged", id="relay after OpenTable"),
        pytest.param([row_event(2)], row_event(1, party_size=9), "stale", id="older row"),
        pytest.param([EMPTY_PATCHES[1]], EMPTY_PATCHES[0], "stale", id="older empty patch"),
    ],
)
def test_an_event_updates_a_stored_document_is_unchanged_or_stale(
    stored: Iterable[ReservationEvent], event: ReservationEvent, outcome: str
) -> None:
    write = apply_committed(ledger_with(*stored), event)
    assert (write.outcome, write.is_create) == (outcome, False)
    assert (write.entry["changes"] != {}) is (outcome == "updated")


@pytest.mark.parametrize(
    "stored, newer, registers",
    [
        (row_event(1), row_event(2, state=None), "sync.opentable"),
        (envelope_event(), envelope_event("updated", minute=1), "sync.relay"),
    ],
)
def test_a_newer_event_with_equal_values_updates_only_the_version(
    stored: ReservationEvent, newer: ReservationEvent, registers: str
) -> None:
    write = apply_committed(ledger_with(stored), newer)
    assert write.changed_fields.keys() - WRITE_TIME_FIELDS == {registers}


def test_a_late_event_updates_fields_without_a_newer_value() -> None:
    ledger = ledger_with(*CREATED_AND_CONFIRMED_LATER)
    write = apply_committed(ledger, envelope_event("updated", minute=2, partySize=6))
    assert write.entry["changes"] == {"partySize": {"from": 4, "to": 6}}


def test_a_stale_event_still_adds_its_status_to_the_history() -> None:
    write = apply_committed(ledger_with(row_event(2)), row_event(1))
    history = write.changed_fields["statusHistory"]
    assert [item["eventId"] for item in history] == ["seq-1", "seq-2"]


def test_a_stale_event_without_a_status_writes_only_its_journal_entry() -> None:
    write = apply_committed(ledger_with(row_event(2)), row_event(1, state=None))
    assert (write.changed_fields, write.entry_id) == ({}, "seq-1")


def test_changes_contain_values_before_and_after() -> None:
    write = apply_committed(ledger_with(row_event(1)), row_event(2, state="Cancelled"))
    assert write.entry["changes"] == {
        "source.state": {"from": "Confirmed", "to": "Cancelled"},
        "status": {"from": "CONFIRMED", "to": "CANCELLED"},
    }


def test_a_commit_contains_the_resulting_state() -> None:
    ledger = ledger_with(envelope_event(dinerName="Ada"))
    state = apply_committed(ledger, row_event(1, party_size=6)).state
    assert [state.resolve_field(name) for name in ("dinerName", "partySize")] == ["Ada", 6]


def test_a_lost_race_of_two_creations_ends_in_one_document() -> None:
    ledger = ledger_with(envelope_event())
    write = ledger.apply(envelope_event(minute=1, partySize=6), "nothing")
    assert isinstance(write, ReservationWrite)
    assert write.outcome is EventOutcome.UPDATED


def test_a_guest_no_longer_referenced_is_removed_from_the_reservation() -> None:
    ledger = InMemoryLedger(guests=KNOWN_GUESTS)
    ledger.apply(row_event(1, guest_id=GUEST_KEY))
    assert (ledger.document or {})["dinerName"] == "Ada Lovelace"
    ledger.apply(row_event(2, guest_id=None))
    assert "Ada" not in str(ledger.document)


def test_an_entry_names_the_restaurant() -> None:
    assert apply_committed(InMemoryLedger(), row_event(1)).entry["restaurantId"] == "restaurant-123"


def test_a_repair_of_a_correct_document_writes_nothing() -> None:
    repair = lineup_event("reconciliation.repaired")
    assert isinstance(ledger_with(row_event(1)).apply(repair), NoChange)


def test_a_repair_restores_manually_edited_fields() -> None:
    ledger = ledger_with(row_event(1))
    assert ledger.document is not None
    ledger.document["partySize"] = 9
    write = apply_committed(ledger, lineup_event("reconciliation.repaired"))
    assert write.entry["changes"] == {"partySize": {"from": 9, "to": 4}}


def test_a_guest_link_entry_has_key_and_version_and_no_value() -> None:
    ledger = ledger_with(row_event(1, guest_id=GUEST_KEY))
    ledger.guests = KNOWN_GUESTS
    write = apply_committed(ledger, lineup_event(GUEST_LINKED_EVENT_TYPE))
    version = version_to_map(KNOWN_GUESTS[GUEST_KEY].version)
    assert write.changed_fields["dinerName"] == "Ada Lovelace"
    assert write.entry["guest"] == {"guestKey": GUEST_KEY, "version": version}
    assert "Ada" not in str(write.entry)


def test_journal_entries_of_a_forgotten_guest_have_no_personal_data() -> None:
    ledger = ledger_with(row_event(1, guest_id=GUEST_KEY, guest_request="Nuts"))
    ledger.guests = FORGOTTEN_GUESTS
    linked = apply_committed(ledger, lineup_event(GUEST_LINKED_EVENT_TYPE))
    assert linked.state.guest_references.has_forgotten_guest
    assert linked.entry["changes"] == {}
    newer = apply_committed(ledger, row_event(2, guest_request="Tea"))
    assert newer.entry["fields"]["specialRequests"] is None


def test_only_the_first_write_that_finds_a_forgotten_guest_names_the_guest() -> None:
    ledger = ledger_with(row_event(1, guest_id=GUEST_KEY))
    ledger.guests = FORGOTTEN_GUESTS
    linked = apply_committed(ledger, lineup_event(GUEST_LINKED_EVENT_TYPE))
    assert linked.forgotten_guest_keys == {GUEST_KEY}
    assert apply_committed(ledger, row_event(2)).forgotten_guest_keys == frozenset()


def test_a_repeated_row_of_a_forgotten_guest_is_not_a_conflict() -> None:
    row = row_event(1, guest_id=GUEST_KEY, guest_request="Nuts")
    ledger = InMemoryLedger(guests=FORGOTTEN_GUESTS)
    ledger.apply(row)
    assert isinstance(ledger.apply(row), NoChange)


def decide_by_document(ledger: InMemoryLedger, event: ReservationEvent) -> Decision:
    return ledger.decide(event, ledger.read_stored([]))


@pytest.mark.parametrize("event", [row_event(1), envelope_event(), row_event(1, guest_id="g")])
def test_the_last_applied_event_is_recognized_from_the_document(event: ReservationEvent) -> None:
    assert isinstance(decide_by_document(ledger_with(event), event), NoChange)


@pytest.mark.parametrize(
    "stored, row", [(row_event(1), row_event(2)), (envelope_event(), row_event(1))]
)
def test_a_newer_or_first_row_needs_no_journal_read(
    stored: ReservationEvent, row: ReservationEvent
) -> None:
    assert isinstance(decide_by_document(ledger_with(stored), row), ReservationWrite)


@pytest.mark.parametrize(
    "stored, event, entry_id",
    [
        (row_event(2), row_event(1), "seq-1"),
        (envelope_event(minute=1), envelope_event("updated", minute=0), "evt-updated_0"),
        (envelope_event(minute=1), envelope_event("updated", minute=2), "evt-updated_2"),
    ],
)
def test_an_older_row_or_an_envelope_is_decided_by_its_journal_entry(
    stored: ReservationEvent, event: ReservationEvent, entry_id: str
) -> None:
    decision = decide_by_document(ledger_with(stored), event)
    assert decision == JournalEntryRequired(entry_id)


@pytest.mark.parametrize("newer", [(), (row_event(2, party_size=6),)])
def test_a_duplicate_returns_the_stored_state(newer: tuple[ReservationEvent, ...]) -> None:
    decision = ledger_with(row_event(1), *newer).apply(row_event(1))
    assert isinstance(decision, NoChange)
    assert decision.state.resolve_field("partySize") == (6 if newer else 4)


OTHER_ROW, OTHER_ENVELOPE = row_event(1, party_size=9), envelope_event(partySize=9)


@pytest.mark.parametrize(
    "stored, event",
    [
        pytest.param([row_event(1)], OTHER_ROW, id="version"),
        pytest.param([row_event(1), row_event(2)], OTHER_ROW, id="older version"),
        pytest.param([envelope_event()], OTHER_ENVELOPE, id="envelope id"),
        pytest.param(
            [envelope_event(), envelope_event("updated", minute=9)],
            OTHER_ENVELOPE,
            id="id of an older envelope",
        ),
        pytest.param(
            [envelope_event()],
            replace(OTHER_ENVELOPE, version=replace(OTHER_ENVELOPE.version, occurred_at=RECEIVED)),
            id="envelope id at another time",
        ),
    ],
)
def test_an_equal_version_or_envelope_id_with_other_content_is_a_conflict(
    stored: Iterable[ReservationEvent], event: ReservationEvent
) -> None:
    assert isinstance(ledger_with(*stored).apply(event), VersionConflict)


def change_field(event: ReservationEvent, name: str) -> ReservationEvent:
    """Return the same event with another value in one field, valid also as a status."""
    is_seated = str(event.fields[name]).upper() == "SEATED"
    other = "NO_SHOW" if is_seated else "SEATED"
    return replace(event, fields={**event.fields, name: other})


@given(arrival_sequences, read_mode_lists, read_modes, stored_guest_maps)
def test_a_duplicate_event_writes_nothing(
    sequence: ArrivalSequence, modes: list[ReadMode], mode: ReadMode, guests: GuestsByKey
) -> None:
    ledger = apply_to_memory(sequence.arrival, modes, guests)
    decisions = [ledger.apply(form, mode) for event in sequence.events for form in event]
    assert all(isinstance(decision, NoChange) for decision in decisions)


@given(arrival_sequences, read_mode_lists, read_modes, stored_guest_maps, st.data())
def test_the_same_event_with_other_content_is_a_conflict_in_any_position(
    sequence: ArrivalSequence,
    modes: list[ReadMode],
    mode: ReadMode,
    guests: GuestsByKey,
    data: st.DataObject,
) -> None:
    arrived = sequence.arrival[: data.draw(st.integers(1, len(sequence.arrival)), "arrived")]
    event = data.draw(st.sampled_from(arrived), "repeated")
    names = sorted(event.fields.keys() - NOTATION_FIELDS)
    assume(names)
    repeated = change_field(event, data.draw(st.sampled_from(names), "altered"))
    ledger = apply_to_memory(arrived, modes, guests)
    before = copy.deepcopy(ledger.document), copy.deepcopy(ledger.entries)
    assert isinstance(ledger.apply(repeated, mode), VersionConflict)
    assert (ledger.document, ledger.entries) == before


@given(arrival_sequences, read_mode_lists, read_modes, stored_guest_maps)
def test_a_replay_after_the_journal_expired_changes_nothing(
    sequence: ArrivalSequence, modes: list[ReadMode], mode: ReadMode, guests: GuestsByKey
) -> None:
    ledger = apply_to_memory(sequence.arrival, modes, guests)
    ledger.entries.clear()
    for event in sequence.arrival:
        decision = ledger.apply(event, mode)
        if isinstance(decision, ReservationWrite):
            assert decision.changed_fields == {}


EARLY = row_event(1, party_size=2, updated_at_utc="2026-03-09T12:00:01Z")
LATE = row_event(1, party_size=6, updated_at_utc="2026-03-09T12:00:02Z")


in_either_order = pytest.mark.parametrize("events", [(EARLY, LATE), (LATE, EARLY)])


@in_either_order
def test_for_equal_sequences_the_later_update_wins_in_either_order(
    events: tuple[ReservationEvent, ...],
) -> None:
    assert (ledger_with(*events).document or {})["partySize"] == 6


@in_either_order
def test_for_equal_sequences_the_second_event_has_a_separate_entry(
    events: tuple[ReservationEvent, ...],
) -> None:
    separate_id = build_repeated_sequence_entry_id(events[1])
    assert ledger_with(*events).entries.keys() == {"seq-1", separate_id}


@in_either_order
def test_for_equal_sequences_both_events_are_recognized_as_duplicates(
    events: tuple[ReservationEvent, ...],
) -> None:
    ledger = ledger_with(*events)
    assert all(isinstance(ledger.apply(event), NoChange) for event in events)


@pytest.mark.parametrize("event", [EARLY, LATE])
def test_for_equal_sequences_other_content_is_a_conflict(event: ReservationEvent) -> None:
    ledger = ledger_with(EARLY, LATE, row_event(2))
    other = replace(event, fields={**event.fields, "partySize": 9})
    assert isinstance(ledger.apply(other), VersionConflict)
