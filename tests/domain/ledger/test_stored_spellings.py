"""Documents and journals of a release that stored other spellings stay valid as they are."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.ledger.decide import NoChange, ReservationWrite, VersionConflict
from shared.domain.ledger.document import registers_from_map, reservation_state_from_document
from shared.domain.ledger.events import EventOutcome, ReservationEvent, Version, version_to_map
from shared.domain.normalization.canonical import CUT_MARK
from shared.domain.reconciliation.compare import (
    compute_event_digest,
    fingerprint_document,
    has_drifted,
)
from shared.domain.validation import flatten_document
from tests.strategies.events import GUEST_KEY, NOON, RID, ZONE
from tests.support.events import envelope_event, row_event
from tests.support.in_memory_ledger import (
    TEST_IDENTITY,
    InMemoryLedger,
    ReadMode,
    flatten_without_spellings,
    ledger_with,
)
from tests.support.oracles import rebuild_state

UUID = "2b7e9f40-6c1d-4f0a-8e55-91c7d0a4be13"
HALF_SECOND = timedelta(milliseconds=500)
ROW_FIELDS: dict[str, Any] = {
    "id": UUID,
    "state": "PartiallySeated",
    "guest_id": f"{RID}-{GUEST_KEY}",
    "confirmation_id": 7731,
    "guest_request": "Crème\nnuts",
    "visit_tags": ["birthday", "vip"],
    "seated_time_utc": "2026-03-08T12:00:00Z",
}
STORED_SPELLINGS: dict[str, Any] = {
    "openTableId": f"{RID}-{UUID.upper()}",
    "state": "Partially Seated",
    "guestId": f"{RID}-{GUEST_KEY.upper()}",
    "confirmationId": "7731",
    "specialRequests": "Cre\u0300me\r\nnuts",
    "visitTags": ["vip", "birthday", "vip"],
    "seatedAt": NOON + HALF_SECOND,
}
READ_MODES: list[ReadMode] = ["nothing", "document", "entry"]


def spelled_row_event(sequence_id: int, **fields: Any) -> ReservationEvent:
    return row_event(sequence_id, **{**ROW_FIELDS, **fields})


def as_stored_earlier(event: ReservationEvent) -> ReservationEvent:
    """Return the event as an earlier release gave it."""
    version = replace(event.version, occurred_at=event.version.occurred_at + HALF_SECOND)
    return replace(event, version=version, fields={**event.fields, **STORED_SPELLINGS})


def ledger_with_earlier_spellings() -> InMemoryLedger:
    return ledger_with(as_stored_earlier(spelled_row_event(1)))


@pytest.mark.parametrize("mode", READ_MODES)
@pytest.mark.parametrize("newer", [(), (spelled_row_event(2, party_size=9),)])
def test_a_repeated_row_is_a_duplicate(mode: ReadMode, newer: tuple[ReservationEvent, ...]) -> None:
    ledger = ledger_with_earlier_spellings()
    for event in newer:
        ledger.apply(event)
    before = flatten_document(ledger.document or {})
    assert isinstance(ledger.apply(spelled_row_event(1), mode), NoChange)
    assert flatten_document(ledger.document or {}) == before


@pytest.mark.parametrize("mode", READ_MODES)
def test_a_repeated_row_with_another_value_is_a_conflict(mode: ReadMode) -> None:
    repeated = spelled_row_event(1, guest_request="Nuts")
    assert isinstance(ledger_with_earlier_spellings().apply(repeated, mode), VersionConflict)


def test_a_repeated_envelope_is_a_duplicate() -> None:
    event = envelope_event(specialRequests="Crème\nnuts")
    fields = {**event.fields, "specialRequests": "Cre\u0300me\r\nnuts", "state": "CONFIRMED"}
    ledger = ledger_with(replace(event, fields=fields), envelope_event("updated", minute=9))
    assert isinstance(ledger.apply(event), NoChange)


def test_a_stored_document_has_the_fingerprint_of_its_row_and_no_drift() -> None:
    document = ledger_with_earlier_spellings().document or {}
    event = spelled_row_event(1)
    identity = replace(TEST_IDENTITY, external_key=event.external_key)
    flat = flatten_document(document)
    digest = compute_event_digest(event, identity.restaurant_id, ZONE)
    assert fingerprint_document(document, None).digest == digest
    assert not has_drifted(flat, identity, reservation_state_from_document(flat))


def test_a_stored_id_is_requested_as_it_was_stored() -> None:
    ledger = ledger_with_earlier_spellings()
    ids = [ledger.state.find_opentable_id(name) for name in ("openTableId", "guestId")]
    assert ids == [STORED_SPELLINGS["openTableId"], STORED_SPELLINGS["guestId"]]
    document = ledger.document or {}
    assert fingerprint_document(document, None).open_table_id == STORED_SPELLINGS["openTableId"]


def test_a_document_edited_by_hand_has_drifted() -> None:
    document = ledger_with_earlier_spellings().document or {}
    document["source"]["state"] = "Seated"
    flat = flatten_document(document)
    identity = replace(TEST_IDENTITY, external_key=UUID)
    assert has_drifted(flat, identity, reservation_state_from_document(flat))


def test_a_newer_version_with_the_same_values_is_no_visible_change() -> None:
    ledger = ledger_with_earlier_spellings()
    write = ledger.apply(spelled_row_event(2))
    assert isinstance(write, ReservationWrite)
    assert (write.outcome, write.entry["changes"]) == (EventOutcome.UNCHANGED, {})
    canonical = ledger_with(spelled_row_event(1), spelled_row_event(2)).document
    assert flatten_without_spellings(ledger.document) == flatten_without_spellings(canonical)


def test_a_journal_with_old_and_new_entries_rebuilds_the_registers() -> None:
    ledger = ledger_with_earlier_spellings()
    ledger.apply(spelled_row_event(2, party_size=9))
    rebuilt = rebuild_state(ledger.entries.values())
    assert rebuilt.registers_by_actor == ledger.state.registers_by_actor


@pytest.mark.parametrize("mode", READ_MODES)
def test_a_text_stored_before_the_limit_is_the_same_as_its_beginning(mode: ReadMode) -> None:
    long_row = spelled_row_event(1, guest_request="x" * 20_000)
    stored = {**long_row.fields, "specialRequests": "x" * 20_000}
    del stored["cutTexts"]
    ledger = ledger_with(replace(long_row, fields=stored))
    assert isinstance(ledger.apply(long_row, mode), NoChange)


def test_the_cut_texts_are_named_while_they_are_shown() -> None:
    ledger = ledger_with(
        envelope_event(specialRequests="x" * 9_000, dinerName="Ada"),
        envelope_event("updated", minute=1, dinerName="y" * 9_000),
    )
    metadata = (ledger.document or {})["metadata"]
    assert metadata["cutTexts"] == ["dinerName", "specialRequests"]
    assert metadata["specialRequests"] == "x" * (8192 - 8) + CUT_MARK
    ledger.apply(envelope_event("updated", minute=2, specialRequests="Nuts"))
    assert (ledger.document or {})["metadata"]["cutTexts"] == ["dinerName"]


def test_a_document_without_cut_texts_has_no_such_field() -> None:
    assert "cutTexts" not in (ledger_with(envelope_event()).document or {})["metadata"]


def test_a_spelling_split_off_an_older_id_has_the_version_of_the_id() -> None:
    older, newest = Version.from_timestamp(NOON, "a"), Version.from_timestamp(NOON, "b")
    registers = registers_from_map(
        {
            "version": version_to_map(newest),
            "values": {"openTableId": STORED_SPELLINGS["openTableId"], "partySize": 4},
            "olderVersions": {"openTableId": version_to_map(older)},
        }
    )
    versions = {name: current.version for name, current in registers.fields.items()}
    assert versions == {"openTableId": older, "openTableIdSpelling": older, "partySize": newest}
