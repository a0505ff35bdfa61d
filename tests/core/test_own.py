"""Lineup's own reservations: what staff say is written, and everything else stands."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.core.change import Actor, Channel, ReservationEvent, Version
from shared.core.decision import ReservationWrite, StoredReservation, decide
from shared.core.document import ReservationIdentity, flatten_document
from shared.core.journal import WriteContext
from shared.core.own import native_registers, render_native_update
from shared.core.statements import MAX_STATUS_HISTORY_ENTRIES
from shared.core.stored import registers_from_map
from shared.core.system import ReservationSystem
from shared.errors import InvalidEventError
from tests.statements import RECEIVED

OWN: dict[str, Any] = {
    "id": "own-1",
    "partySize": 2,
    "status": "CONFIRMED",
    "statusHistory": [{"status": "CONFIRMED", "by": "app"}],
    "metadata": {"specialRequests": "Window"},
}


def cancelled(minute: int = 0, **said: Any) -> ReservationEvent:
    at, event_id = RECEIVED + timedelta(minutes=minute), f"staff-{minute}"
    said = said or {"status": "CANCELLED", "cancellationReason": "Rain"}
    version = Version.from_timestamp(at, event_id)
    type_, source = "staff.cancelled", Channel.STAFF
    return ReservationEvent("own-1", event_id, type_, Actor.LINEUP, version, said, "{}", source)


def written(change: ReservationEvent, document: dict[str, Any] = OWN) -> dict[str, Any]:
    flat = flatten_document(document)
    return render_native_update(flat, native_registers(flat).merge(change), change)


def after(*changes: ReservationEvent) -> dict[str, Any]:
    flat = flatten_document(OWN)
    for change in changes:
        flat |= render_native_update(flat, native_registers(flat).merge(change), change)
    return flat


def test_only_the_writer_of_such_a_document_may_create_it() -> None:
    with pytest.raises(InvalidEventError, match="unknown_reservation"):
        native_registers({})


def test_a_document_that_staff_never_changed_holds_nothing_said() -> None:
    assert native_registers(flatten_document(OWN)).registers_by_actor == {}


def test_a_cancellation_writes_what_it_says_and_nothing_else() -> None:
    changed = written(cancelled())
    assert changed.keys() == {
        "sync.lineup",
        "status",
        "metadata.cancellationReason",
        "statusHistory",
    }
    assert (changed["status"], changed["metadata.cancellationReason"]) == ("CANCELLED", "Rain")


def test_the_history_goes_on_below_its_writers_own_entries() -> None:
    statement = {
        "status": "CANCELLED",
        "timestamp": RECEIVED,
        "source": "LINEUP",
        "eventId": "staff-0",
    }
    assert written(cancelled())["statusHistory"] == [*OWN["statusHistory"], statement]


def test_a_history_is_bounded() -> None:
    long = [{"status": "CONFIRMED", "by": n} for n in range(MAX_STATUS_HISTORY_ENTRIES)]
    history = written(cancelled(), OWN | {"statusHistory": long})["statusHistory"]
    assert (len(history), history[0]["by"], history[-1]["eventId"]) == (
        MAX_STATUS_HISTORY_ENTRIES,
        1,
        "staff-0",
    )


def test_what_was_said_later_is_not_overwritten_by_what_comes_late() -> None:
    late = cancelled(0, status="CANCELLED", cancellationReason="Old")
    document = after(cancelled(1), late)
    assert document["metadata.cancellationReason"] == "Rain"
    assert len(document["statusHistory"]) == 2


def test_what_staff_said_is_read_back() -> None:
    statements = native_registers(after(cancelled()))
    assert statements.resolve_field("cancellationReason") == "Rain"
    assert registers_from_map(after(cancelled())["sync.lineup"]).version == cancelled().version


def test_a_change_of_one_field_leaves_the_other() -> None:
    changed = written(cancelled(1, cancellationReason="Rain"))
    assert changed.keys() == {"sync.lineup", "metadata.cancellationReason"}


def test_of_its_times_only_the_last_writing_moves() -> None:
    identity = ReservationIdentity(
        "restaurant-123", "own-1", ZoneInfo("UTC"), ReservationSystem.LINEUP
    )
    writing = WriteContext(RECEIVED, "attempt", timedelta(days=400))
    commit = decide(cancelled(), StoredReservation(OWN, {"staff-0": None}), identity, writing)
    assert isinstance(commit, ReservationWrite)
    times = {"createdAt", "updatedAt", "reconciliation.lastReconciledAt"}
    assert commit.changed_fields.keys() & times == {"updatedAt"}
