"""The law: any order, any duplicates, any way of coming and of reading end in one document."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core import statements
from shared.core.change import Actor, FieldValue, ReservationEvent
from shared.core.decision import ReservationWrite
from shared.core.document import flatten_document, render_document
from shared.core.guesting import with_linked_guest
from shared.core.joined import resolve_guest
from shared.core.journal import rebuild_state
from shared.core.stored import reservation_state_from_document
from tests.core.memory_ledger import (
    TEST_IDENTITY,
    WRITE_TIME_FIELDS,
    GuestsByKey,
    InMemoryLedger,
    ReadMode,
    apply_to_memory,
    flatten_without_write_times,
    read_mode_lists,
)
from tests.statements import row_event
from tests.strategies.guests import stored_guest_maps
from tests.strategies.histories import ArrivalSequence, arrival_sequence_pairs, arrival_sequences

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
        patch.setattr(statements, "MAX_STATUS_HISTORY_ENTRIES", length)
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
    Random(2026).shuffle(changes)  # noqa: S311 -- an order, not a secret
    document = apply_to_memory(changes, ["entry"]).document or {}
    newest = [f"seq-{number}" for number in range(31, 131)]
    assert [item["eventId"] for item in document["statusHistory"]] == newest
