"""The same event again: a no-op where it says the same, refused where it says something else."""

import copy

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.core.change import ReservationEvent
from shared.core.decision import NoChange, ReservationWrite, VersionConflict
from tests.core.memory_ledger import Guests, Reading, readings, told, ways_of_reading
from tests.strategies.guests import held_guests
from tests.strategies.histories import Telling, tellings


def altered(change: ReservationEvent, name: str) -> ReservationEvent:
    """Return the same event, but with something else said of one field (a status, too)."""
    other = "SEATED" if change.fields[name] != "SEATED" else "NO_SHOW"
    return replace(change, fields={**change.fields, name: other})


@given(tellings, ways_of_reading, readings, held_guests)
def test_an_event_already_held_writes_nothing(
    telling: Telling, ways: list[Reading], reading: Reading, guests: Guests
) -> None:
    ledger = told(telling.arrival, ways, guests)
    again = [ledger.hear(form, reading) for event in telling.events for form in event]
    assert all(isinstance(decision, NoChange) for decision in again)


@given(tellings, ways_of_reading, readings, held_guests, st.data())
def test_the_same_event_saying_something_else_is_a_contradiction_in_any_position(
    telling: Telling, ways: list[Reading], reading: Reading, guests: Guests, data: st.DataObject
) -> None:
    heard = telling.arrival[: data.draw(st.integers(1, len(telling.arrival)), "heard")]
    change = data.draw(st.sampled_from(heard), "repeated")
    names = sorted(change.fields.keys() - {"openTableId"})
    assume(names)
    repeated = altered(change, data.draw(st.sampled_from(names), "altered"))
    ledger = told(heard, ways, guests)
    before = copy.deepcopy(ledger.document), copy.deepcopy(ledger.entries)
    assert isinstance(ledger.hear(repeated, reading), VersionConflict)
    assert (ledger.document, ledger.entries) == before


@given(tellings, ways_of_reading, readings, held_guests)
def test_a_replay_after_the_journal_expired_changes_nothing(
    telling: Telling, ways: list[Reading], reading: Reading, guests: Guests
) -> None:
    ledger = told(telling.arrival, ways, guests)
    ledger.entries.clear()
    for change in telling.arrival:
        decision = ledger.hear(change, reading)
        if isinstance(decision, ReservationWrite):
            assert decision.changed_fields == {}
