import pytest

from shared.core.change import Actor, Channel, ReservationEvent, Version
from shared.core.decision import EventOutcome, NoChange, ReservationWrite
from shared.core.guest import Guest
from shared.core.guesting import GUEST_LINKED_EVENT_TYPE
from shared.core.versions import version_to_map
from tests.core.memory_ledger import TIMES_OF_WRITING, MemoryLedger, ledger_of
from tests.statements import RECEIVED, relayed, shown
from tests.strategies.guests import KNOWN
from tests.strategies.objects import GUEST_KEY, NOON


def ours(event_type: str) -> ReservationEvent:
    """Return a change of our own that says nothing."""
    version = Version.from_timestamp(RECEIVED, "ours-1")
    source = Channel.RECONCILIATION
    return ReservationEvent("ot_1", "ours-1", event_type, Actor.LINEUP, version, {}, "{}", source)


def committed(ledger: MemoryLedger, change: ReservationEvent) -> ReservationWrite:
    decision = ledger.hear(change)
    assert isinstance(decision, ReservationWrite)
    return decision


@pytest.mark.parametrize("change", [relayed(), relayed("cancelled"), shown(1)])
def test_whatever_comes_first_creates_the_document(change: ReservationEvent) -> None:
    commit = committed(MemoryLedger(), change)
    assert (commit.outcome, commit.is_create) == (EventOutcome.CREATED, True)


def test_a_newer_statement_of_something_else_updates() -> None:
    commit = committed(ledger_of(shown(1)), shown(2, party_size=6))
    assert (commit.outcome, commit.is_create) == (EventOutcome.UPDATED, False)


def test_a_newer_statement_of_the_same_moves_the_version_alone() -> None:
    commit = committed(ledger_of(shown(1)), shown(2, state=None))
    assert commit.outcome is EventOutcome.UNCHANGED
    assert commit.changed_fields.keys() - TIMES_OF_WRITING == {"sync.opentable"}


def test_a_late_event_in_between_that_wins_and_shows_the_same_is_unchanged() -> None:
    ledger = ledger_of(relayed(minute=1), relayed("updated", minute=3, status="confirmed"))
    assert (
        committed(ledger, relayed("updated", minute=2, partySize=4)).outcome
        is EventOutcome.UNCHANGED
    )


def test_a_late_event_in_between_updates_what_nobody_said_since() -> None:
    ledger = ledger_of(relayed(minute=1), relayed("updated", minute=3, status="confirmed"))
    commit = committed(ledger, relayed("updated", minute=2, partySize=6))
    assert commit.entry["changes"] == {"partySize": {"from": 4, "to": 6}}


def test_an_older_statement_is_stale() -> None:
    assert committed(ledger_of(shown(2)), shown(1, party_size=9)).outcome is EventOutcome.STALE


def test_a_lower_sequence_never_wins_whatever_its_clock_says() -> None:
    ledger = ledger_of(shown(2, party_size=2))
    committed(ledger, shown(1, party_size=9, updated_at_utc="2030-01-01T00:00:00Z"))
    assert (ledger.document or {})["partySize"] == 2


def test_a_stale_statement_still_tells_its_status_to_the_history() -> None:
    commit = committed(ledger_of(shown(2)), shown(1))
    assert [item["eventId"] for item in commit.changed_fields["statusHistory"]] == [
        "seq-1",
        "seq-2",
    ]


def test_a_stale_statement_without_a_status_writes_its_entry_alone() -> None:
    commit = committed(ledger_of(shown(2)), shown(1, state=None))
    assert (commit.changed_fields, commit.entry_id) == ({}, "seq-1")


def test_a_relays_word_about_what_opentable_said_changes_nothing_shown() -> None:
    commit = committed(ledger_of(shown(1)), relayed("updated", minute=30, partySize=9))
    assert (commit.outcome, commit.entry["changes"]) == (EventOutcome.UNCHANGED, {})


def test_the_changes_tell_what_was_shown_before_and_after() -> None:
    commit = committed(ledger_of(shown(1)), shown(2, state="Cancelled"))
    assert commit.entry["changes"] == {
        "source.state": {"from": "Confirmed", "to": "Cancelled"},
        "status": {"from": "CONFIRMED", "to": "CANCELLED"},
    }


def test_a_commit_tells_all_that_is_held_with_it() -> None:
    commit = committed(ledger_of(relayed(dinerName="Ada")), shown(1, party_size=6))
    assert [commit.state.resolve_field(name) for name in ("dinerName", "partySize")] == ["Ada", 6]


def test_a_lost_race_of_two_creations_ends_in_one_document() -> None:
    ledger = ledger_of(relayed())
    decision = ledger.hear(relayed(minute=1, partySize=6), "nothing")
    assert isinstance(decision, ReservationWrite)
    assert decision.outcome is EventOutcome.UPDATED


def test_a_guest_whom_the_reservation_no_longer_names_does_not_stay_in_it() -> None:
    ledger = MemoryLedger(guests=KNOWN)
    ledger.hear(shown(1, guest_id=GUEST_KEY))
    assert (ledger.document or {})["dinerName"] == "Ada Lovelace"
    ledger.hear(shown(2, guest_id=None))
    assert "Ada" not in str(ledger.document)


def test_a_patch_that_says_nothing_moves_the_version_alone() -> None:
    commit = committed(ledger_of(relayed()), relayed("updated", minute=1))
    assert (commit.outcome, commit.entry["changes"]) == (EventOutcome.UNCHANGED, {})
    assert commit.changed_fields.keys() - TIMES_OF_WRITING == {"sync.relay"}


def test_an_older_patch_that_says_nothing_is_stale() -> None:
    ledger = ledger_of(relayed("updated", minute=2))
    assert committed(ledger, relayed("updated", minute=1)).outcome is EventOutcome.STALE


def test_a_repair_of_what_shows_what_was_said_writes_nothing() -> None:
    assert isinstance(ledger_of(shown(1)).hear(ours("reconciliation.repaired")), NoChange)


def test_a_repair_writes_what_somebody_changed_by_hand() -> None:
    ledger = ledger_of(shown(1))
    assert ledger.document is not None
    ledger.document["partySize"] = 9
    commit = committed(ledger, ours("reconciliation.repaired"))
    assert commit.entry["changes"] == {"partySize": {"from": 9, "to": 4}}


def test_a_join_tells_the_journal_which_guest_at_which_version_and_no_value() -> None:
    ledger = ledger_of(shown(1, guest_id=GUEST_KEY))
    ledger.guests = KNOWN
    commit = committed(ledger, ours(GUEST_LINKED_EVENT_TYPE))
    version = version_to_map(KNOWN[GUEST_KEY].version)
    assert commit.changed_fields["dinerName"] == "Ada Lovelace"
    assert commit.entry["guest"] == {"guestKey": GUEST_KEY, "version": version}
    assert "Ada" not in str(commit.entry)


def test_of_a_forgotten_guests_reservation_the_journal_tells_nothing_personal() -> None:
    ledger = ledger_of(shown(1, guest_id=GUEST_KEY, guest_request="Nuts"))
    ledger.guests = {GUEST_KEY: Guest(GUEST_KEY, forgotten_at=NOON)}
    joined = committed(ledger, ours(GUEST_LINKED_EVENT_TYPE))
    assert (joined.state.guest_references.has_forgotten_guest, joined.entry["changes"]) == (
        True,
        {},
    )
    assert committed(ledger, shown(2, guest_request="Tea")).entry["said"]["specialRequests"] is None
