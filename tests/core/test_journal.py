from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.core.change import ReservationEvent
from shared.core.journal import (
    WriteContext,
    build_journal_entry,
    build_later_entry_id,
    read_entry_version,
    rebuild_state,
)
from shared.core.signature import Verification
from shared.core.statements import ReservationState
from tests.statements import RECEIVED, relayed, shown

WRITING = WriteContext(RECEIVED, "attempt", timedelta(days=400))


def entry(change: ReservationEvent) -> dict[str, Any]:
    return build_journal_entry(change, "created", {}, ReservationState().merge(change), WRITING)


def test_an_entry_tells_the_whole_story_of_its_event() -> None:
    change = shown(7, state="Seated")
    changes = {"status": {"from": "CONFIRMED", "to": "SEATED"}}
    assert build_journal_entry(
        change, "updated", changes, ReservationState().merge(change), WRITING
    ) == {
        "eventId": "seq-7",
        "eventType": "reservation.snapshot",
        "source": "POLL",
        "speaker": "OPENTABLE",
        "occurredAt": datetime(2026, 3, 9, 12, 0, 7, tzinfo=UTC),
        "sequenceId": 7,
        "version": {"at": datetime(2026, 3, 9, 12, 0, 7, tzinfo=UTC), "sequenceId": 7},
        "said": dict(change.fields),
        "receivedAt": RECEIVED,
        "outcome": "updated",
        "changes": changes,
        "payload": change.payload,
        "attempt": "attempt",
        "journalExpireAt": datetime(2027, 4, 18, 23, 15, tzinfo=UTC),
    }


def test_a_webhooks_entry_tells_which_key_proved_it() -> None:
    proved = replace(
        shown(7), authentication=Verification(is_accepted=True, reason="bearer", credential_index=1)
    )
    assert entry(proved)["proof"] == {"scheme": "bearer", "keyPosition": 1}


def test_an_envelopes_entry_has_no_sequence() -> None:
    assert entry(relayed())["sequenceId"] is None


@pytest.mark.parametrize("change", [shown(7), relayed()])
def test_an_entry_keeps_its_statements_version(change: ReservationEvent) -> None:
    assert read_entry_version(entry(change)) == change.version


def test_an_entry_without_a_start_expires_after_its_receipt() -> None:
    assert entry(relayed("cancelled"))["journalExpireAt"] == RECEIVED + timedelta(days=400)


def test_an_entry_at_the_end_of_the_calendar_expires_at_its_start() -> None:
    last = relayed(reservationDateTime="9999-12-29T00:00:00Z")
    assert entry(last)["journalExpireAt"] == datetime(9999, 12, 29, tzinfo=UTC)


def test_a_sequence_said_again_at_another_time_has_an_entry_of_its_own() -> None:
    again = shown(7, updated_at_utc="2026-03-09T12:30:44.5Z")
    assert build_later_entry_id(again) == "seq-7.20260309T123044.500000Z"


@pytest.mark.parametrize("order", [1, -1])
def test_folding_the_entries_gives_all_that_was_said(order: int) -> None:
    changes = [relayed(), shown(7), relayed("cancelled", minute=2)]
    statements = ReservationState()
    for change in changes:
        statements = statements.merge(change)
    assert rebuild_state([entry(change) for change in changes][::order]) == statements


def test_an_empty_journal_says_nothing() -> None:
    assert rebuild_state([]) == ReservationState()
