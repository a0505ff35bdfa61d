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

NATIVE_DOCUMENT: dict[str, Any] = {
    "id": "own-1",
    "partySize": 2,
    "status": "CONFIRMED",
    "statusHistory": [{"status": "CONFIRMED", "by": "app"}],
    "metadata": {"specialRequests": "Window"},
}


def cancellation_event(minute: int = 0, **fields: Any) -> ReservationEvent:
    at, event_id = RECEIVED + timedelta(minutes=minute), f"staff-{minute}"
    fields = fields or {"status": "CANCELLED", "cancellationReason": "Rain"}
    version = Version.from_timestamp(at, event_id)
    type_, source = "staff.cancelled", Channel.STAFF
    return ReservationEvent("own-1", event_id, type_, Actor.LINEUP, version, fields, "{}", source)


def written_fields(
    change: ReservationEvent, document: dict[str, Any] = NATIVE_DOCUMENT
) -> dict[str, Any]:
    flat = flatten_document(document)
    return render_native_update(flat, native_registers(flat).merge(change), change)


def document_after(*changes: ReservationEvent) -> dict[str, Any]:
    flat = flatten_document(NATIVE_DOCUMENT)
    for change in changes:
        flat |= render_native_update(flat, native_registers(flat).merge(change), change)
    return flat


def test_only_its_writer_may_create_a_native_document() -> None:
    with pytest.raises(InvalidEventError, match="unknown_reservation"):
        native_registers({})


def test_a_native_document_without_staff_changes_has_empty_registers() -> None:
    assert native_registers(flatten_document(NATIVE_DOCUMENT)).registers_by_actor == {}


def test_a_cancellation_writes_only_its_own_fields() -> None:
    changed = written_fields(cancellation_event())
    assert changed.keys() == {
        "sync.lineup",
        "status",
        "metadata.cancellationReason",
        "statusHistory",
    }
    assert (changed["status"], changed["metadata.cancellationReason"]) == ("CANCELLED", "Rain")


def test_the_history_keeps_entries_of_the_original_writer() -> None:
    statement = {
        "status": "CANCELLED",
        "timestamp": RECEIVED,
        "source": "LINEUP",
        "eventId": "staff-0",
    }
    assert written_fields(cancellation_event())["statusHistory"] == [
        *NATIVE_DOCUMENT["statusHistory"],
        statement,
    ]


def test_a_history_is_bounded() -> None:
    long = [{"status": "CONFIRMED", "by": n} for n in range(MAX_STATUS_HISTORY_ENTRIES)]
    history = written_fields(cancellation_event(), NATIVE_DOCUMENT | {"statusHistory": long})[
        "statusHistory"
    ]
    assert (len(history), history[0]["by"], history[-1]["eventId"]) == (
        MAX_STATUS_HISTORY_ENTRIES,
        1,
        "staff-0",
    )


def test_a_late_event_does_not_overwrite_a_newer_one() -> None:
    late = cancellation_event(0, status="CANCELLED", cancellationReason="Old")
    document = document_after(cancellation_event(1), late)
    assert document["metadata.cancellationReason"] == "Rain"
    assert len(document["statusHistory"]) == 2


def test_staff_registers_are_read_back() -> None:
    statements = native_registers(document_after(cancellation_event()))
    assert statements.resolve_field("cancellationReason") == "Rain"
    assert (
        registers_from_map(document_after(cancellation_event())["sync.lineup"]).version
        == cancellation_event().version
    )


def test_changing_one_field_keeps_the_other() -> None:
    changed = written_fields(cancellation_event(1, cancellationReason="Rain"))
    assert changed.keys() == {"sync.lineup", "metadata.cancellationReason"}


def test_only_the_updated_time_changes() -> None:
    identity = ReservationIdentity(
        "restaurant-123", "own-1", ZoneInfo("UTC"), ReservationSystem.LINEUP
    )
    writing = WriteContext(RECEIVED, "attempt", timedelta(days=400))
    commit = decide(
        cancellation_event(),
        StoredReservation(NATIVE_DOCUMENT, {"staff-0": None}),
        identity,
        writing,
    )
    assert isinstance(commit, ReservationWrite)
    times = {"createdAt", "updatedAt", "reconciliation.lastReconciledAt"}
    assert commit.changed_fields.keys() & times == {"updatedAt"}
