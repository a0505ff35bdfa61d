import pytest

from shared.core.change import Actor, Channel, ReservationEvent, Version
from shared.core.decision import EventOutcome, NoChange, ReservationWrite
from shared.core.guest import Guest
from shared.core.guesting import GUEST_LINKED_EVENT_TYPE
from shared.core.versions import version_to_map
from tests.core.memory_ledger import WRITE_TIME_FIELDS, InMemoryLedger, ledger_with
from tests.statements import RECEIVED, envelope_event, row_event
from tests.strategies.guests import KNOWN_GUESTS
from tests.strategies.objects import GUEST_KEY, NOON


def lineup_event(event_type: str) -> ReservationEvent:
    """Return a change of our own that says nothing."""
    version = Version.from_timestamp(RECEIVED, "ours-1")
    source = Channel.RECONCILIATION
    return ReservationEvent("ot_1", "ours-1", event_type, Actor.LINEUP, version, {}, "{}", source)


def apply_committed(ledger: InMemoryLedger, change: ReservationEvent) -> ReservationWrite:
    decision = ledger.apply(change)
    assert isinstance(decision, ReservationWrite)
    return decision


@pytest.mark.parametrize("change", [envelope_event(), envelope_event("cancelled"), row_event(1)])
def test_the_first_event_creates_the_document(change: ReservationEvent) -> None:
    commit = apply_committed(InMemoryLedger(), change)
    assert (commit.outcome, commit.is_create) == (EventOutcome.CREATED, True)


def test_a_newer_event_with_other_values_updates() -> None:
    commit = apply_committed(ledger_with(row_event(1)), row_event(2, party_size=6))
    assert (commit.outcome, commit.is_create) == (EventOutcome.UPDATED, False)


def test_a_newer_event_with_equal_values_updates_only_the_version() -> None:
    commit = apply_committed(ledger_with(row_event(1)), row_event(2, state=None))
    assert commit.outcome is EventOutcome.UNCHANGED
    assert commit.changed_fields.keys() - WRITE_TIME_FIELDS == {"sync.opentable"}


def test_a_late_winning_event_with_equal_values_is_unchanged() -> None:
    ledger = ledger_with(
        envelope_event(minute=1), envelope_event("updated", minute=3, status="confirmed")
    )
    assert (
        apply_committed(ledger, envelope_event("updated", minute=2, partySize=4)).outcome
        is EventOutcome.UNCHANGED
    )


def test_a_late_event_updates_fields_without_a_newer_value() -> None:
    ledger = ledger_with(
        envelope_event(minute=1), envelope_event("updated", minute=3, status="confirmed")
    )
    commit = apply_committed(ledger, envelope_event("updated", minute=2, partySize=6))
    assert commit.entry["changes"] == {"partySize": {"from": 4, "to": 6}}


def test_an_older_event_is_stale() -> None:
    assert (
        apply_committed(ledger_with(row_event(2)), row_event(1, party_size=9)).outcome
        is EventOutcome.STALE
    )


def test_a_lower_sequence_never_wins_regardless_of_timestamps() -> None:
    ledger = ledger_with(row_event(2, party_size=2))
    apply_committed(ledger, row_event(1, party_size=9, updated_at_utc="2030-01-01T00:00:00Z"))
    assert (ledger.document or {})["partySize"] == 2


def test_a_stale_event_still_adds_its_status_to_the_history() -> None:
    commit = apply_committed(ledger_with(row_event(2)), row_event(1))
    assert [item["eventId"] for item in commit.changed_fields["statusHistory"]] == [
        "seq-1",
        "seq-2",
    ]


def test_a_stale_event_without_a_status_writes_only_its_journal_entry() -> None:
    commit = apply_committed(ledger_with(row_event(2)), row_event(1, state=None))
    assert (commit.changed_fields, commit.entry_id) == ({}, "seq-1")


def test_a_relay_value_does_not_replace_an_opentable_value() -> None:
    commit = apply_committed(
        ledger_with(row_event(1)), envelope_event("updated", minute=30, partySize=9)
    )
    assert (commit.outcome, commit.entry["changes"]) == (EventOutcome.UNCHANGED, {})


def test_changes_contain_values_before_and_after() -> None:
    commit = apply_committed(ledger_with(row_event(1)), row_event(2, state="Cancelled"))
    assert commit.entry["changes"] == {
        "source.state": {"from": "Confirmed", "to": "Cancelled"},
        "status": {"from": "CONFIRMED", "to": "CANCELLED"},
    }


def test_a_commit_contains_the_resulting_state() -> None:
    commit = apply_committed(
        ledger_with(envelope_event(dinerName="Ada")), row_event(1, party_size=6)
    )
    assert [commit.state.resolve_field(name) for name in ("dinerName", "partySize")] == ["Ada", 6]


def test_a_lost_race_of_two_creations_ends_in_one_document() -> None:
    ledger = ledger_with(envelope_event())
    decision = ledger.apply(envelope_event(minute=1, partySize=6), "nothing")
    assert isinstance(decision, ReservationWrite)
    assert decision.outcome is EventOutcome.UPDATED


def test_a_guest_no_longer_referenced_is_removed_from_the_reservation() -> None:
    ledger = InMemoryLedger(guests=KNOWN_GUESTS)
    ledger.apply(row_event(1, guest_id=GUEST_KEY))
    assert (ledger.document or {})["dinerName"] == "Ada Lovelace"
    ledger.apply(row_event(2, guest_id=None))
    assert "Ada" not in str(ledger.document)


def test_an_empty_patch_updates_only_the_version() -> None:
    commit = apply_committed(ledger_with(envelope_event()), envelope_event("updated", minute=1))
    assert (commit.outcome, commit.entry["changes"]) == (EventOutcome.UNCHANGED, {})
    assert commit.changed_fields.keys() - WRITE_TIME_FIELDS == {"sync.relay"}


def test_an_older_empty_patch_is_stale() -> None:
    ledger = ledger_with(envelope_event("updated", minute=2))
    assert (
        apply_committed(ledger, envelope_event("updated", minute=1)).outcome is EventOutcome.STALE
    )


def test_a_repair_of_a_correct_document_writes_nothing() -> None:
    assert isinstance(
        ledger_with(row_event(1)).apply(lineup_event("reconciliation.repaired")), NoChange
    )


def test_a_repair_restores_manually_edited_fields() -> None:
    ledger = ledger_with(row_event(1))
    assert ledger.document is not None
    ledger.document["partySize"] = 9
    commit = apply_committed(ledger, lineup_event("reconciliation.repaired"))
    assert commit.entry["changes"] == {"partySize": {"from": 9, "to": 4}}


def test_a_guest_link_entry_has_key_and_version_and_no_value() -> None:
    ledger = ledger_with(row_event(1, guest_id=GUEST_KEY))
    ledger.guests = KNOWN_GUESTS
    commit = apply_committed(ledger, lineup_event(GUEST_LINKED_EVENT_TYPE))
    version = version_to_map(KNOWN_GUESTS[GUEST_KEY].version)
    assert commit.changed_fields["dinerName"] == "Ada Lovelace"
    assert commit.entry["guest"] == {"guestKey": GUEST_KEY, "version": version}
    assert "Ada" not in str(commit.entry)


def test_journal_entries_of_a_forgotten_guest_have_no_personal_data() -> None:
    ledger = ledger_with(row_event(1, guest_id=GUEST_KEY, guest_request="Nuts"))
    ledger.guests = {GUEST_KEY: Guest(GUEST_KEY, forgotten_at=NOON)}
    joined = apply_committed(ledger, lineup_event(GUEST_LINKED_EVENT_TYPE))
    assert (joined.state.guest_references.has_forgotten_guest, joined.entry["changes"]) == (
        True,
        {},
    )
    assert (
        apply_committed(ledger, row_event(2, guest_request="Tea")).entry["fields"][
            "specialRequests"
        ]
        is None
    )
