from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.change import Change
from shared.core.decision import AlreadyHeld, Commit, Contradiction, Decision, EntryNeeded, Outcome
from tests.core.memory_ledger import TIMES_OF_WRITING, MemoryLedger
from tests.statements import relayed, shown
from tests.strategies.guests import KNOWN
from tests.strategies.objects import GUEST_KEY


def ledger_of(*changes: Change) -> MemoryLedger:
    ledger = MemoryLedger()
    for change in changes:
        assert isinstance(ledger.hear(change), Commit)
    return ledger


def committed(ledger: MemoryLedger, change: Change) -> Commit:
    decision = ledger.hear(change)
    assert isinstance(decision, Commit)
    return decision


def by_document_alone(ledger: MemoryLedger, change: Change) -> Decision:
    return ledger.judge(change, ledger.held([]))


@pytest.mark.parametrize("change", [relayed(), relayed("cancelled"), shown(1)])
def test_whatever_comes_first_creates_the_document(change: Change) -> None:
    commit = committed(MemoryLedger(), change)
    assert (commit.outcome, commit.creates) == (Outcome.CREATED, True)


def test_a_newer_statement_of_something_else_updates() -> None:
    commit = committed(ledger_of(shown(1)), shown(2, party_size=6))
    assert (commit.outcome, commit.creates) == (Outcome.UPDATED, False)


def test_a_newer_statement_of_the_same_moves_the_version_alone() -> None:
    commit = committed(ledger_of(shown(1)), shown(2, state=None))
    assert commit.outcome is Outcome.UNCHANGED
    assert commit.document.keys() - TIMES_OF_WRITING == {"sync.opentable"}


def test_a_late_event_in_between_that_wins_and_shows_the_same_is_unchanged() -> None:
    ledger = ledger_of(relayed(minute=1), relayed("updated", minute=3, status="confirmed"))
    assert committed(ledger, relayed("updated", minute=2, partySize=4)).outcome is Outcome.UNCHANGED


def test_a_late_event_in_between_updates_what_nobody_said_since() -> None:
    ledger = ledger_of(relayed(minute=1), relayed("updated", minute=3, status="confirmed"))
    commit = committed(ledger, relayed("updated", minute=2, partySize=6))
    assert commit.entry["changes"] == {"partySize": {"from": 4, "to": 6}}


def test_an_older_statement_is_stale() -> None:
    assert committed(ledger_of(shown(2)), shown(1, party_size=9)).outcome is Outcome.STALE


def test_a_lower_sequence_never_wins_whatever_its_clock_says() -> None:
    ledger = ledger_of(shown(2, party_size=2))
    committed(ledger, shown(1, party_size=9, updated_at_utc="2030-01-01T00:00:00Z"))
    assert (ledger.document or {})["partySize"] == 2


def test_a_stale_statement_still_tells_its_status_to_the_history() -> None:
    commit = committed(ledger_of(shown(2)), shown(1))
    assert [item["eventId"] for item in commit.document["statusHistory"]] == ["seq-1", "seq-2"]


def test_a_stale_statement_without_a_status_writes_its_entry_alone() -> None:
    commit = committed(ledger_of(shown(2)), shown(1, state=None))
    assert (commit.document, commit.entry_id) == ({}, "seq-1")


def test_a_relays_word_about_what_opentable_said_changes_nothing_shown() -> None:
    commit = committed(ledger_of(shown(1)), relayed("updated", minute=30, partySize=9))
    assert (commit.outcome, commit.entry["changes"]) == (Outcome.UNCHANGED, {})


def test_the_changes_tell_what_was_shown_before_and_after() -> None:
    commit = committed(ledger_of(shown(1)), shown(2, state="Cancelled"))
    assert commit.entry["changes"] == {
        "source.state": {"from": "Confirmed", "to": "Cancelled"},
        "status": {"from": "CONFIRMED", "to": "CANCELLED"},
    }


def test_a_commit_tells_all_that_is_held_with_it() -> None:
    commit = committed(ledger_of(relayed(dinerName="Ada")), shown(1, party_size=6))
    assert [commit.statements.shown(name) for name in ("dinerName", "partySize")] == ["Ada", 6]


def test_the_event_last_taken_is_known_by_the_document_alone() -> None:
    for change in (shown(1), relayed()):
        assert isinstance(by_document_alone(ledger_of(change), change), AlreadyHeld)


def test_what_is_already_held_is_told_with_it() -> None:
    ledger = ledger_of(shown(1, party_size=6))
    decision = ledger.hear(shown(1, party_size=6))
    assert isinstance(decision, AlreadyHeld)
    assert decision.statements.shown("partySize") == 6


def test_a_newer_object_needs_no_reading_of_the_journal() -> None:
    assert isinstance(by_document_alone(ledger_of(shown(1)), shown(2)), Commit)


def test_opentables_first_object_needs_no_reading_of_the_journal() -> None:
    assert isinstance(by_document_alone(ledger_of(relayed()), shown(1)), Commit)


def test_an_older_object_is_judged_by_its_entry() -> None:
    assert by_document_alone(ledger_of(shown(2)), shown(1)) == EntryNeeded("seq-1")


@pytest.mark.parametrize("minute", [0, 2])
def test_an_envelope_is_judged_by_its_entry(minute: int) -> None:
    ledger = ledger_of(relayed(minute=1))
    needed = EntryNeeded(f"evt-updated_{minute}")
    assert by_document_alone(ledger, relayed("updated", minute=minute)) == needed


def test_an_older_event_taken_before_is_known_by_its_entry() -> None:
    assert isinstance(ledger_of(shown(1), shown(2)).hear(shown(1)), AlreadyHeld)


def test_the_same_event_by_another_way_is_already_held() -> None:
    ledger = ledger_of(shown(1))
    assert isinstance(ledger.hear(shown(1, pos_data={"check_ids": None})), AlreadyHeld)


@pytest.mark.parametrize("newer", [(), (shown(2),)])
def test_the_same_version_saying_something_else_is_a_contradiction(newer: tuple[Change]) -> None:
    ledger = ledger_of(shown(1), *newer)
    assert isinstance(ledger.hear(shown(1, party_size=9)), Contradiction)


@pytest.mark.parametrize("newer", [(), (relayed("updated", minute=9),)])
def test_the_same_envelope_saying_something_else_is_a_contradiction(newer: tuple[Change]) -> None:
    ledger = ledger_of(relayed(), *newer)
    assert isinstance(ledger.hear(relayed(partySize=9)), Contradiction)


def test_the_same_envelope_at_another_time_saying_something_else_is_a_contradiction() -> None:
    other = relayed(partySize=9)
    later = replace(other.version, at=other.version.at + timedelta(minutes=1))
    assert isinstance(ledger_of(relayed()).hear(replace(other, version=later)), Contradiction)


@pytest.mark.parametrize("newer", [(), (shown(2),)])
def test_another_spelling_of_the_id_is_no_contradiction(newer: tuple[Change]) -> None:
    key = "2b7e9f40-6c1d-4f0a-8e55-91c7d0a4be13"
    ledger = ledger_of(shown(1, id=key), *newer)
    assert isinstance(ledger.hear(shown(1, id=key.upper())), AlreadyHeld)


class TestOneSequenceAtTwoTimes:
    EARLY = shown(1, party_size=2, updated_at_utc="2026-03-09T12:00:01Z")
    LATE = shown(1, party_size=6, updated_at_utc="2026-03-09T12:00:02Z")

    @pytest.mark.parametrize("changes", [(EARLY, LATE), (LATE, EARLY)])
    def test_the_later_wins_in_either_order(self, changes: tuple[Change, ...]) -> None:
        assert (ledger_of(*changes).document or {})["partySize"] == 6

    @pytest.mark.parametrize("changes", [(EARLY, LATE), (LATE, EARLY)])
    def test_the_second_to_come_has_an_entry_of_its_own(self, changes: tuple[Change, ...]) -> None:
        assert {name.partition(".")[0] for name in ledger_of(*changes).entries} == {"seq-1"}
        assert len(ledger_of(*changes).entries) == 2

    @pytest.mark.parametrize("changes", [(EARLY, LATE), (LATE, EARLY)])
    def test_both_are_known_when_they_come_again(self, changes: tuple[Change, ...]) -> None:
        ledger = ledger_of(*changes)
        assert all(isinstance(ledger.hear(change), AlreadyHeld) for change in changes)

    @pytest.mark.parametrize("change", [EARLY, LATE])
    def test_neither_may_say_something_else(self, change: Change) -> None:
        ledger = ledger_of(self.EARLY, self.LATE, shown(2))
        other = replace(change, said={**change.said, "partySize": 9})
        assert isinstance(ledger.hear(other), Contradiction)


class TestTimesOfWriting:
    def dated(self, *changes: Change) -> tuple[dict[str, Any], MemoryLedger]:
        ledger = ledger_of(*changes)
        return ledger.document or {}, ledger

    def test_a_new_document_was_created_and_updated_at_its_receipt(self) -> None:
        document, ledger = self.dated(relayed())
        assert document["createdAt"] == document["updatedAt"] == ledger.writing.now

    def test_an_update_leaves_the_time_of_creation(self) -> None:
        document, ledger = self.dated(relayed(), shown(1))
        assert document["createdAt"] < document["updatedAt"] == ledger.writing.now

    def test_where_nothing_is_written_nothing_is_dated(self) -> None:
        document, ledger = self.dated(shown(2), shown(1, state=None))
        assert document["updatedAt"] < ledger.writing.now

    def test_a_relays_creation_was_never_reconciled(self) -> None:
        document, _ = self.dated(relayed())
        assert document["reconciliation"]["lastReconciledAt"] is None

    def test_opentables_word_reconciles_now(self) -> None:
        document, ledger = self.dated(relayed(), shown(1))
        assert document["reconciliation"]["lastReconciledAt"] == ledger.writing.now

    def test_a_relays_update_leaves_the_time_of_reconciliation(self) -> None:
        document, ledger = self.dated(shown(1), relayed("updated", dinerName="Ada"))
        assert document["reconciliation"]["lastReconciledAt"] < document["updatedAt"]
        assert document["updatedAt"] == ledger.writing.now


def test_a_lost_race_of_two_creations_ends_in_one_document() -> None:
    ledger = ledger_of(relayed())
    decision = ledger.hear(relayed(minute=1, partySize=6), "nothing")
    assert isinstance(decision, Commit)
    assert decision.outcome is Outcome.UPDATED


def test_a_guest_whom_the_reservation_no_longer_names_does_not_stay_in_it() -> None:
    ledger = MemoryLedger(guests=KNOWN)
    ledger.hear(shown(1, guest_id=GUEST_KEY))
    assert (ledger.document or {})["dinerName"] == "Ada Lovelace"
    ledger.hear(shown(2, guest_id=None))
    assert "Ada" not in str(ledger.document)
