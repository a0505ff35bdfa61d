"""OpenTable may say one sequence again, at a later time."""

import pytest
from msgspec.structs import replace

from shared.core.change import ReservationEvent
from shared.core.decision import NoChange, VersionConflict
from tests.core.memory_ledger import ledger_of
from tests.statements import shown

EARLY = shown(1, party_size=2, updated_at_utc="2026-03-09T12:00:01Z")
LATE = shown(1, party_size=6, updated_at_utc="2026-03-09T12:00:02Z")


@pytest.mark.parametrize("changes", [(EARLY, LATE), (LATE, EARLY)])
def test_of_one_sequence_the_later_wins_in_either_order(
    changes: tuple[ReservationEvent, ...],
) -> None:
    assert (ledger_of(*changes).document or {})["partySize"] == 6


@pytest.mark.parametrize("changes", [(EARLY, LATE), (LATE, EARLY)])
def test_of_one_sequence_the_second_to_come_has_an_entry_of_its_own(
    changes: tuple[ReservationEvent, ...],
) -> None:
    assert {name.partition(".")[0] for name in ledger_of(*changes).entries} == {"seq-1"}
    assert len(ledger_of(*changes).entries) == 2


@pytest.mark.parametrize("changes", [(EARLY, LATE), (LATE, EARLY)])
def test_of_one_sequence_both_are_known_when_they_come_again(
    changes: tuple[ReservationEvent, ...],
) -> None:
    ledger = ledger_of(*changes)
    assert all(isinstance(ledger.hear(change), NoChange) for change in changes)


@pytest.mark.parametrize("change", [EARLY, LATE])
def test_of_one_sequence_neither_may_say_something_else(change: ReservationEvent) -> None:
    ledger = ledger_of(EARLY, LATE, shown(2))
    other = replace(change, fields={**change.fields, "partySize": 9})
    assert isinstance(ledger.hear(other), VersionConflict)
