"""OpenTable may say one sequence again, at a later time."""

import pytest
from msgspec.structs import replace

from shared.core.change import ReservationEvent
from shared.core.decision import NoChange, VersionConflict
from tests.core.memory_ledger import ledger_with
from tests.statements import row_event

EARLY = row_event(1, party_size=2, updated_at_utc="2026-03-09T12:00:01Z")
LATE = row_event(1, party_size=6, updated_at_utc="2026-03-09T12:00:02Z")


@pytest.mark.parametrize("changes", [(EARLY, LATE), (LATE, EARLY)])
def test_for_equal_sequences_the_later_update_wins_in_either_order(
    changes: tuple[ReservationEvent, ...],
) -> None:
    assert (ledger_with(*changes).document or {})["partySize"] == 6


@pytest.mark.parametrize("changes", [(EARLY, LATE), (LATE, EARLY)])
def test_for_equal_sequences_the_second_event_has_a_separate_entry(
    changes: tuple[ReservationEvent, ...],
) -> None:
    assert {name.partition(".")[0] for name in ledger_with(*changes).entries} == {"seq-1"}
    assert len(ledger_with(*changes).entries) == 2


@pytest.mark.parametrize("changes", [(EARLY, LATE), (LATE, EARLY)])
def test_for_equal_sequences_both_events_are_recognized_as_duplicates(
    changes: tuple[ReservationEvent, ...],
) -> None:
    ledger = ledger_with(*changes)
    assert all(isinstance(ledger.apply(change), NoChange) for change in changes)


@pytest.mark.parametrize("change", [EARLY, LATE])
def test_for_equal_sequences_other_content_is_a_conflict(change: ReservationEvent) -> None:
    ledger = ledger_with(EARLY, LATE, row_event(2))
    other = replace(change, fields={**change.fields, "partySize": 9})
    assert isinstance(ledger.apply(other), VersionConflict)
