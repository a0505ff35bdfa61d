"""Lineup's own reservations: what staff say is written, and everything else stands."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.core.change import Change, Source, Speaker, Version
from shared.core.decision import Commit, Held, decide
from shared.core.document import Identity, flatten
from shared.core.journal import Writing
from shared.core.own import own_statements, render_own
from shared.core.statements import HISTORY_LENGTH
from shared.core.stored import register_from
from shared.core.system import System
from shared.errors import RejectedStatementError
from tests.statements import RECEIVED

OWN: dict[str, Any] = {
    "id": "own-1",
    "partySize": 2,
    "status": "CONFIRMED",
    "statusHistory": [{"status": "CONFIRMED", "by": "app"}],
    "metadata": {"specialRequests": "Window"},
}


def cancelled(minute: int = 0, **said: Any) -> Change:
    at, event_id = RECEIVED + timedelta(minutes=minute), f"staff-{minute}"
    said = said or {"status": "CANCELLED", "cancellationReason": "Rain"}
    version = Version.of_envelope(at, event_id)
    type_, source = "staff.cancelled", Source.STAFF
    return Change("own-1", event_id, type_, Speaker.LINEUP, version, said, "{}", source)


def written(change: Change, document: dict[str, Any] = OWN) -> dict[str, Any]:
    flat = flatten(document)
    return render_own(flat, own_statements(flat).hear(change), change)


def after(*changes: Change) -> dict[str, Any]:
    flat = flatten(OWN)
    for change in changes:
        flat |= render_own(flat, own_statements(flat).hear(change), change)
    return flat


def test_only_the_writer_of_such_a_document_may_create_it() -> None:
    with pytest.raises(RejectedStatementError, match="unknown_reservation"):
        own_statements({})


def test_a_document_that_staff_never_changed_holds_nothing_said() -> None:
    assert own_statements(flatten(OWN)).registers == {}


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
    long = [{"status": "CONFIRMED", "by": n} for n in range(HISTORY_LENGTH)]
    history = written(cancelled(), OWN | {"statusHistory": long})["statusHistory"]
    assert (len(history), history[0]["by"], history[-1]["eventId"]) == (
        HISTORY_LENGTH,
        1,
        "staff-0",
    )


def test_what_was_said_later_is_not_overwritten_by_what_comes_late() -> None:
    late = cancelled(0, status="CANCELLED", cancellationReason="Old")
    document = after(cancelled(1), late)
    assert document["metadata.cancellationReason"] == "Rain"
    assert len(document["statusHistory"]) == 2


def test_what_staff_said_is_read_back() -> None:
    statements = own_statements(after(cancelled()))
    assert statements.shown("cancellationReason") == "Rain"
    assert register_from(after(cancelled())["sync.lineup"]).version == cancelled().version


def test_a_change_of_one_field_leaves_the_other() -> None:
    changed = written(cancelled(1, cancellationReason="Rain"))
    assert changed.keys() == {"sync.lineup", "metadata.cancellationReason"}


def test_of_its_times_only_the_last_writing_moves() -> None:
    identity = Identity("restaurant-123", "own-1", ZoneInfo("UTC"), System.LINEUP)
    writing = Writing(RECEIVED, "attempt", timedelta(days=400))
    commit = decide(cancelled(), Held(OWN, {"staff-0": None}), identity, writing)
    assert isinstance(commit, Commit)
    times = {"createdAt", "updatedAt", "reconciliation.lastReconciledAt"}
    assert commit.document.keys() & times == {"updatedAt"}
