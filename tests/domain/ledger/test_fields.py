"""The table of fields agrees with the code and the pages that do not follow from it."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from functions.api.reservations import ReservationResponse
from shared.domain.ledger.decide import NoChange, ReservationWrite, VersionConflict
from shared.domain.ledger.events import EventOutcome, ReservationEvent
from shared.domain.ledger.fields import (
    PATHS_BY_NAME,
    RESERVATION_FIELDS,
    FieldKind,
    PersonalData,
    ReservationField,
)
from shared.domain.ledger.guest_link import Guest
from tests.strategies.events import GUEST_KEY, NOON
from tests.support.events import RID, envelope_event, row_event
from tests.support.in_memory_ledger import (
    InMemoryLedger,
    flatten_without_write_times,
    ledger_with,
)
from tests.support.oracles import rebuild_state

DATA_MODEL = (Path(__file__).parents[3] / "docs" / "data-model.md").read_text()
WITHOUT_PATH = {"guestKey"}
RESPONSE_ONLY = {
    *("id", "source", "system", "localDate", "localTime", "serviceDate"),
    *("marketingOptedOut", "emailOptin"),
    *("reconciliationStatus", "reviewDecision", "createdAt", "updatedAt"),
}
# Fields that the staff page does not show.
NOT_IN_RESPONSE = {
    *("openTableId", "confirmationId", "guestId", "origin", "restaurantName"),
    *("bookedAt", "arrivedAt", "seatedAt", "completedAt", "startAtNote"),
    *("tableCategory", "cutTexts"),
}
SAMPLE_BY_KIND = {
    FieldKind.TEXT: "text",
    FieldKind.TEXT_LIST: ["text"],
    FieldKind.TEXT_SET: ["text"],
    FieldKind.INSTANT: "2026-03-14T23:20:00Z",
}
ROW_FIELDS = [field for field in RESERVATION_FIELDS if field.opentable_name]
COMPLETE_ROW = {"confirmation_id": 7, "guest_id": f"{RID}-{GUEST_KEY}", "state": "Seated"} | {
    field.opentable_names[-1]: SAMPLE_BY_KIND[field.kind]
    for field in ROW_FIELDS
    if field.kind in SAMPLE_BY_KIND
}
# A start time that appears later also gives the reservation a day, so it counts as an update.
ADDABLE_FIELDS = [field for field in ROW_FIELDS if field.path != "startAt"]


def row_of_earlier_release(event: ReservationEvent, *unread: str) -> ReservationEvent:
    """Return the event as a release gave it that did not read these fields."""
    fields = {name: value for name, value in event.fields.items() if name not in unread}
    return replace(event, fields=fields)


def ledger_of_earlier_release(event: ReservationEvent, *unread: str) -> InMemoryLedger:
    ledger = ledger_with(row_of_earlier_release(event, *unread))
    document = ledger.document or {}
    for name in unread:
        map_name, _, key = PATHS_BY_NAME[name].rpartition(".")
        (document.get(map_name, {}) if map_name else document).pop(key, None)
    return ledger


def test_rows_give_exactly_the_fields_of_the_table() -> None:
    names = {field.name for field in ROW_FIELDS} | {"startAtNote"}
    assert row_event(1, **COMPLETE_ROW).fields.keys() == names | WITHOUT_PATH


def test_envelopes_give_exactly_the_fields_of_the_table() -> None:
    texts: dict[str, Any] = {
        field.relay_names[0]: "text"
        for field in RESERVATION_FIELDS
        if field.kind is FieldKind.TEXT and field.relay_names
    }
    names = {field.name for field in RESERVATION_FIELDS if field.relay_names} | {"startAtNote"}
    assert envelope_event(**texts).fields.keys() == names


def test_names_and_paths_are_unique() -> None:
    assert len(PATHS_BY_NAME) == len(set(PATHS_BY_NAME.values())) == len(RESERVATION_FIELDS)


def test_free_text_of_opentable_is_personal_except_for_codes() -> None:
    impersonal = {
        field.name
        for field in RESERVATION_FIELDS
        if field.kind is FieldKind.TEXT and field.personal_data is PersonalData.NONE
    }
    assert impersonal == {"tableCategory", "origin", "restaurantName"}


def test_the_day_response_has_every_field_of_the_table_that_staff_see() -> None:
    schema = ReservationResponse.model_json_schema()
    names = {*schema["properties"], *schema["$defs"]["ReservationSource"]["properties"]}
    assert names - RESPONSE_ONLY == PATHS_BY_NAME.keys() - NOT_IN_RESPONSE


@pytest.mark.parametrize("path", PATHS_BY_NAME.values())
def test_the_data_model_names_every_field(path: str) -> None:
    assert f"`{path}`" in DATA_MODEL


@pytest.mark.parametrize("field", ADDABLE_FIELDS, ids=lambda field: field.name)
def test_a_new_field_is_added_to_a_stored_version(field: ReservationField) -> None:
    row = row_event(1, **COMPLETE_ROW)
    ledger = ledger_of_earlier_release(row, field.name)
    write = ledger.apply(row, "document")
    assert isinstance(write, ReservationWrite)
    assert (write.outcome, write.entry_id) == (EventOutcome.UNCHANGED, f"seq-1.{field.name}")
    complete = flatten_without_write_times(ledger_with(row).document)
    assert flatten_without_write_times(ledger.document) == complete
    rebuilt = rebuild_state(ledger.entries.values())
    assert rebuilt.registers_by_actor == write.state.registers_by_actor
    assert isinstance(ledger.apply(row), NoChange)


def test_fields_of_several_releases_are_added_one_after_the_other() -> None:
    row = row_event(1, **COMPLETE_ROW)
    ledger = ledger_of_earlier_release(row, "server", "origin")
    for event in (row_of_earlier_release(row, "server"), row):
        assert isinstance(ledger.apply(event), ReservationWrite)
    assert ledger.entries.keys() == {"seq-1", "seq-1.origin", "seq-1.server"}


def test_fields_of_one_release_are_added_together() -> None:
    row = row_event(1, **COMPLETE_ROW)
    ledger = ledger_of_earlier_release(row, "server", "origin")
    ledger.apply(row)
    assert ledger.entries.keys() == {"seq-1", "seq-1.origin-server"}


def test_a_field_missing_in_an_earlier_event_of_its_version_is_an_update() -> None:
    ledger, row = ledger_with(row_event(1, party_size=2)), row_event(2, party_size=3)
    ledger.apply(row_of_earlier_release(row, "partySize"))
    write = ledger.apply(row)
    assert isinstance(write, ReservationWrite)
    assert (write.outcome, write.entry_id) == (EventOutcome.UPDATED, "seq-2.partySize")
    assert write.changed_fields["partySize"] == 3
    assert isinstance(ledger.apply(row), NoChange)


@pytest.mark.parametrize("server", ["Sam", None])
def test_events_of_one_version_with_different_fields_end_alike_in_any_order(
    server: str | None,
) -> None:
    last = row_event(3, party_size=2, server=server)
    events = [
        row_event(1, party_size=2, server="Sam"),
        row_event(2, party_size=5, server="Kim"),
        row_of_earlier_release(last, "partySize", "server"),
        last,
    ]
    ends = []
    for order in permutations(events):
        ledger = ledger_with(order[0])
        for event in order[1:]:
            ledger.apply(event)
        ends.append(rebuild_state(ledger.entries.values()).registers_by_actor)
        document = ledger.document or {}
        assert (document["partySize"], document["metadata"]["server"]) == (2, server)
    assert all(end == ends[0] for end in ends)


def test_a_new_null_field_is_not_an_update() -> None:
    ledger = ledger_of_earlier_release(row_event(1), "seatedAt")
    write = ledger.apply(row_event(2, seated_time_utc=None))
    assert isinstance(write, ReservationWrite)
    assert (write.outcome, write.changed_fields["seatedAt"]) == (EventOutcome.UNCHANGED, None)


def test_a_new_field_without_a_value_writes_nothing() -> None:
    row = row_event(1, server=None)
    assert isinstance(ledger_of_earlier_release(row, "server").apply(row), NoChange)


def test_a_new_field_does_not_hide_a_conflict() -> None:
    row = row_event(1, server="Sam")
    ledger = ledger_of_earlier_release(row, "server")
    assert isinstance(ledger.apply(row_event(1, server="Sam", party_size=9)), VersionConflict)


def test_a_new_field_and_another_difference_are_an_update() -> None:
    row = row_event(1, server="Sam")
    ledger = ledger_of_earlier_release(row, "server")
    (ledger.document or {})["partySize"] = 9
    write = ledger.apply(row)
    assert isinstance(write, ReservationWrite)
    assert write.outcome is EventOutcome.UPDATED


def test_a_relay_event_never_adds_a_field_to_a_stored_version() -> None:
    event = envelope_event(cancellationReason="Rain")
    ledger = ledger_of_earlier_release(event, "cancellationReason")
    assert isinstance(ledger.apply(event), NoChange)


def test_a_new_personal_field_of_a_forgotten_guest_is_not_stored() -> None:
    row = row_event(1, guest_id=GUEST_KEY, guest_request="Nuts")
    ledger = InMemoryLedger(guests={GUEST_KEY: Guest(GUEST_KEY, forgotten_at=NOON)})
    ledger.apply(row_of_earlier_release(row, "specialRequests"))
    assert isinstance(ledger.apply(row), NoChange)
