"""The same event again: a no-op where it says the same, refused where it says something else."""

import copy

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import ReservationEvent
from shared.core.decision import NoChange, ReservationWrite, VersionConflict
from tests.core.memory_ledger import (
    GuestsByKey,
    ReadMode,
    apply_to_memory,
    read_mode_lists,
    read_modes,
)
from tests.strategies.guests import stored_guest_maps
from tests.strategies.histories import ArrivalSequence, arrival_sequences


def change_field(change: ReservationEvent, name: str) -> ReservationEvent:
    """Return the same event, but with something else said of one field (a status, too)."""
    other = "SEATED" if change.fields[name] != "SEATED" else "NO_SHOW"
    return replace(change, fields={**change.fields, name: other})


@given(arrival_sequences, read_mode_lists, read_modes, stored_guest_maps)
def test_a_duplicate_event_writes_nothing(
    telling: ArrivalSequence, ways: list[ReadMode], reading: ReadMode, guests: GuestsByKey
) -> None:
    ledger = apply_to_memory(telling.arrival, ways, guests)
    again = [ledger.apply(form, reading) for event in telling.events for form in event]
    assert all(isinstance(decision, NoChange) for decision in again)


@given(arrival_sequences, read_mode_lists, read_modes, stored_guest_maps, st.data())
def test_the_same_event_with_other_content_is_a_conflict_in_any_position(
    telling: ArrivalSequence,
    ways: list[ReadMode],
    reading: ReadMode,
    guests: GuestsByKey,
    data: st.DataObject,
) -> None:
    heard = telling.arrival[: data.draw(st.integers(1, len(telling.arrival)), "heard")]
    change = data.draw(st.sampled_from(heard), "repeated")
    names = sorted(change.fields.keys() - {"openTableId"})
    assume(names)
    repeated = change_field(change, data.draw(st.sampled_from(names), "altered"))
    ledger = apply_to_memory(heard, ways, guests)
    before = copy.deepcopy(ledger.document), copy.deepcopy(ledger.entries)
    assert isinstance(ledger.apply(repeated, reading), VersionConflict)
    assert (ledger.document, ledger.entries) == before


@given(arrival_sequences, read_mode_lists, read_modes, stored_guest_maps)
def test_a_replay_after_the_journal_expired_changes_nothing(
    telling: ArrivalSequence, ways: list[ReadMode], reading: ReadMode, guests: GuestsByKey
) -> None:
    ledger = apply_to_memory(telling.arrival, ways, guests)
    ledger.entries.clear()
    for change in telling.arrival:
        decision = ledger.apply(change, reading)
        if isinstance(decision, ReservationWrite):
            assert decision.changed_fields == {}
