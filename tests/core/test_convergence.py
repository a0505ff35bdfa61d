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
    IDENTITY,
    TIMES_OF_WRITING,
    Guests,
    MemoryLedger,
    Reading,
    apart_from_times,
    told,
    ways_of_reading,
)
from tests.statements import shown
from tests.strategies.guests import held_guests
from tests.strategies.histories import Telling, tellings, tellings_twice

SHOWN_AT = {
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
def history_of(length: int) -> Iterator[None]:
    """Let the history of statuses overflow early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "MAX_STATUS_HISTORY_ENTRIES", length)
        yield


def last_said(changes: Iterable[ReservationEvent], name: str) -> FieldValue:
    """Return what is to be shown, straight from the words of the rule and from no register."""
    for speaker in (Actor.OPENTABLE, Actor.RELAY, Actor.LINEUP):
        spoken = [change for change in changes if change.actor is speaker and name in change.fields]
        if spoken:
            return max(spoken, key=lambda change: change.version).fields[name]
    return None


@given(tellings_twice, ways_of_reading, ways_of_reading, held_guests, lengths)
def test_any_order_with_any_duplicates_ends_in_the_same_document(
    twice: tuple[Telling, Telling],
    ways: list[Reading],
    other_ways: list[Reading],
    guests: Guests,
    length: int,
) -> None:
    with history_of(length):
        one = told(twice[0].arrival, ways, guests)
        other = told(twice[1].arrival, other_ways, guests)
    assert apart_from_times(one.document) == apart_from_times(other.document)


@given(tellings, ways_of_reading, held_guests, lengths, st.randoms(use_true_random=False))
def test_the_journal_in_any_order_gives_the_document_again_with_the_guests(
    telling: Telling, ways: list[Reading], guests: Guests, length: int, random: Random
) -> None:
    with history_of(length):
        ledger = told(telling.arrival, ways, guests)
        entries = list(ledger.entries.values())
        random.shuffle(entries)
        folded = rebuild_state(entries)
    found = {key: resolve_guest(key, guests) for key in folded.guest_references.keys}
    rejoined = with_linked_guest(folded, found, is_complete=True)
    assert render_document(IDENTITY, rejoined) == apart_from_times(ledger.document)


@given(tellings, ways_of_reading)
def test_the_document_shows_what_was_last_said_and_opentables_word_first(
    telling: Telling, ways: list[Reading]
) -> None:
    document = apart_from_times(told(telling.arrival, ways).document)
    expected = {name: last_said(telling.arrival, name) for name in SHOWN_AT}
    assert {name: document.get(path) for name, path in SHOWN_AT.items()} == expected
    assert document["status"] == (last_said(telling.arrival, "status") or "CONFIRMED")
    diner = last_said(telling.arrival, "dinerName") or "OpenTable Guest"
    assert document["dinerName"] == diner


@given(tellings, lengths)
def test_what_is_held_can_be_read_back_from_the_document(telling: Telling, length: int) -> None:
    ledger = MemoryLedger()
    with history_of(length):
        for change in telling.arrival:
            decision = ledger.hear(change)
            if isinstance(decision, ReservationWrite):
                assert (
                    reservation_state_from_document(flatten_document(ledger.document or {}))
                    == decision.state
                )


@given(tellings, ways_of_reading)
def test_an_older_statement_changes_nothing_that_is_shown(
    telling: Telling, ways: list[Reading]
) -> None:
    ledger, heard = MemoryLedger(), list[ReservationEvent]()
    for place, change in enumerate(telling.arrival):
        before = ledger.document
        older = _is_outdated(change, heard)
        decision = ledger.hear(change, ways[place % len(ways)])
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


@given(tellings, ways_of_reading)
def test_a_write_always_changes_the_document(telling: Telling, ways: list[Reading]) -> None:
    ledger = MemoryLedger()
    for place, change in enumerate(telling.arrival):
        before = apart_from_times(ledger.document)
        decision = ledger.hear(change, ways[place % len(ways)])
        if isinstance(decision, ReservationWrite) and decision.changed_fields:
            written = decision.changed_fields.keys() - TIMES_OF_WRITING
            assert written
            assert all(
                path not in before or before[path] != decision.changed_fields[path]
                for path in written
            )


def test_the_history_keeps_the_newest_hundred_statuses_of_any_order() -> None:
    states = ("Confirmed", "Seated", "Done")
    changes = [shown(number, state=states[number % 3]) for number in range(1, 131)]
    Random(2026).shuffle(changes)  # noqa: S311 -- an order, not a secret
    document = told(changes, ["entry"]).document or {}
    newest = [f"seq-{number}" for number in range(31, 131)]
    assert [item["eventId"] for item in document["statusHistory"]] == newest
