import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger.events import ReservationEvent
from shared.domain.ledger.guest_link import UNVERSIONED, LinkedGuest
from shared.domain.ledger.registers import (
    ReservationState,
    collect_personal_values,
    redact_event,
    redact_state,
)
from shared.domain.privacy import (
    MASK,
    PERSONAL_FIELDS,
    collect_referenced_keys,
    is_expired,
    mask_changes,
    mask_json,
    mentions_person,
    redact_journal_entry,
    redact_json,
    redact_value,
)
from tests.strategies.json_values import json_values
from tests.support.events import (
    envelope_body,
    envelope_event,
    merge_events,
    row_body,
    row_event,
)

PERSON: dict[str, Any] = {
    "dinerName": "Marked",
    "dinerEmail": "marked@example.com",
    "dinerPhone": "marked",
    "specialRequests": "marked",
    "cancellationReason": "marked",
}


@pytest.mark.parametrize("name", sorted(PERSONAL_FIELDS))
def test_a_personal_value_is_erased_in_its_own_form(name: str) -> None:
    assert (redact_value(name, "marked"), redact_value(name, ["marked"])) == (None, [])


@pytest.mark.parametrize("name,value", [("partySize", 4), ("tableNumbers", ["12"]), ("state", "x")])
def test_an_anonymous_value_stays(name: str, value: Any) -> None:
    assert redact_value(name, value) == value


def test_an_erased_envelope_keeps_time_party_and_status() -> None:
    body = envelope_body(reservationDateTime="2026-03-14T23:15:00Z", **PERSON)
    assert json.loads(redact_json(json.dumps(body))) == body | {
        "data": {
            "reservationId": "ot_1",
            "partySize": 4,
            "reservationDateTime": "2026-03-14T23:15:00Z",
            "status": "confirmed",
        }
    }


def test_an_erased_row_keeps_time_party_tables_and_state() -> None:
    row = row_body(3, guest_id="555001-g1", table_number=["12", "A1"], state="Partially Seated")
    personal = {"guest_request": "marked", "visit_tags": ["marked"], "referrer": {"email": "m"}}
    assert json.loads(redact_json(json.dumps(row | personal))) == row


@pytest.mark.parametrize(
    "fields",
    [
        {"party_size": None},
        {"party_size": " 4"},
        {"sequence_id": "4\n"},
        {"scheduled_time_utc": "2026-03-14 15:00:00"},
        {"scheduled_time_utc": " 2026-03-14 15:00:00.5+00:00 "},
    ],
)
def test_an_erased_row_keeps_null_and_numbers_and_times_in_any_spelling(fields: Any) -> None:
    assert json.loads(redact_json(json.dumps(fields))) == fields


@pytest.mark.parametrize(
    "body",
    [
        '{"party_size": "4 Marked"}',
        '{"scheduled_time": "2026-03-14 Marked"}',
        '{"data": ["Marked"]}',
        '{"data": "Marked"}',
        '{"id": "Ada Marked"}',
        '{"id": "marked@example.com1"}',
        '{"state": "Marked"}',
        '{"table_number": [["Marked"], "12"]}',
        '{"id": {"name": "Marked"}}',
        '{"Marked": 1}',
    ],
)
def test_a_body_in_an_unknown_format_is_erased_completely(body: str) -> None:
    assert "marked" not in redact_json(body).lower()


def test_an_erased_body_has_sorted_keys() -> None:
    body = '{"state": "Booked", "party_size": 2, "id": "r1", "rid": 5, "sequence_id": 1}'
    assert redact_json(body) == (
        '{"id": "r1", "party_size": 2, "rid": 5, "sequence_id": 1, "state": "Booked"}'
    )


@pytest.mark.parametrize("body", ["Marked", '"Marked"', '["Marked"]', "[" * 100_000])
def test_a_body_without_fields_is_erased_to_an_empty_object(body: str) -> None:
    assert redact_json(body) == "{}"


@given(json_values)
def test_erasing_twice_changes_nothing_more(value: Any) -> None:
    once = redact_json(json.dumps(value))
    assert redact_json(once) == once


@pytest.mark.parametrize("event", [envelope_event(**PERSON), row_event(1, guest_request="marked")])
def test_an_event_is_erased_completely(event: ReservationEvent) -> None:
    redacted = redact_event(event)
    assert "marked" not in str(redacted).lower()
    assert (redacted.version, redacted.fields.keys()) == (event.version, event.fields.keys())


def test_every_register_is_erased_and_keeps_its_versions() -> None:
    state = merge_events(envelope_event(**PERSON), row_event(1, guest_request="marked"))
    redacted = redact_state(state)
    assert "marked" not in str(redacted).lower()
    for actor, registers in state.registers_by_actor.items():
        redacted_fields = redacted.registers_by_actor[actor].fields
        assert redacted_fields.keys() == registers.fields.keys()
        for name, current in registers.fields.items():
            assert redacted_fields[name].version == current.version


JOURNAL_ENTRY = {
    "fields": {"partySize": 4, "specialRequests": "marked"},
    "changes": {
        "partySize": {"from": None, "to": 4},
        "dinerName": {"from": None, "to": "Marked"},
        "metadata.specialRequests": {"from": None, "to": "marked"},
    },
    "payload": '{"partySize": 4, "notes": "marked"}',
    "outcome": "created",
}


def test_only_changed_fields_of_an_entry_are_returned() -> None:
    assert redact_journal_entry(JOURNAL_ENTRY) == {
        "fields": {"partySize": 4, "specialRequests": None},
        "changes": {"partySize": {"from": None, "to": 4}},
        "payload": '{"partySize": 4}',
    }


@pytest.mark.parametrize("value", [None, 5, "marked", ["marked"]])
def test_a_damaged_entry_loses_what_may_be_personal(value: Any) -> None:
    damaged = {"fields": value, "changes": value, "payload": {"notes": "marked"}}
    assert redact_journal_entry(damaged) == {"fields": {}, "changes": {}, "payload": "{}"}
    assert redact_journal_entry({}) == {"fields": {}, "changes": {}, "payload": "{}"}


def test_an_entry_without_personal_data_is_unchanged() -> None:
    redacted = JOURNAL_ENTRY | redact_journal_entry(JOURNAL_ENTRY)
    assert redact_journal_entry(redacted) == {}


def test_personal_values_come_from_relay_fields_and_the_linked_guest() -> None:
    guest = LinkedGuest(("merged", "ada"), UNVERSIONED, diner_name="Ada", phone="+1212")
    event = envelope_event(dinerName="A. L.", dinerEmail="a@b.c")
    state = ReservationState(linked_guest=guest).merge_event(event)
    for key in ("ada", "merged"):
        assert collect_personal_values(state, key) == {"Ada", "+1212", "A. L.", "a@b.c"}
    assert collect_personal_values(state, "another") == {"A. L.", "a@b.c"}


def test_a_reservation_without_events_has_no_personal_values() -> None:
    assert collect_personal_values(ReservationState(), "ada") == set()


@pytest.mark.parametrize(
    "body",
    [
        {"id": "evt_1", "sequence_id": 7, "data": {"partySize": 4, "status": "confirmed"}},
        {"dinerName": None, "vip": True},
        {"table_number": ["12", "A1"]},
    ],
    ids=["fields needed for review", "null and boolean", "list in an impersonal field"],
)
def test_an_impersonal_value_is_not_masked(body: dict[str, Any]) -> None:
    assert json.loads(mask_json(json.dumps(body))) == body


@pytest.mark.parametrize(
    "body, masked",
    [
        ({"guest": {"phones": [{"number": 5551234}]}}, {"guest": {"phones": [{"number": MASK}]}}),
        ({"first_name": "Ada", "unknown": ["12"]}, {"first_name": MASK, "unknown": [MASK]}),
        ({"id": "ada@example.com", "status": "call Ada!"}, {"id": MASK, "status": MASK}),
    ],
    ids=["at any depth", "text and list", "personal data in an impersonal field"],
)
def test_a_personal_value_is_masked(body: dict[str, Any], masked: dict[str, Any]) -> None:
    assert json.loads(mask_json(json.dumps(body))) == masked


@pytest.mark.parametrize("body", ["Ada called", '"Ada"', "12125550100", '{"id": "\ud800"}'])
def test_a_body_other_than_an_event_is_masked_completely(body: str) -> None:
    assert mask_json(body).strip('"') == MASK


@pytest.mark.parametrize(
    "path", ["dinerName", "email", "phone", "metadata.specialRequests", "other"]
)
def test_a_changed_personal_or_unknown_value_is_masked_on_both_sides(path: str) -> None:
    changes = {path: {"from": "marked", "to": ["marked"]}}
    assert mask_changes(changes) == {path: {"from": MASK, "to": [MASK]}}


@pytest.mark.parametrize(
    "path, value",
    [
        ("partySize", 4),
        ("status", "SEATED"),
        ("localDate", "2026-03-14"),
        ("reconciliation.reviewDecision", "KEPT"),
    ],
)
def test_a_changed_impersonal_value_is_shown(path: str, value: object) -> None:
    changes = {path: {"from": None, "to": value}}
    assert mask_changes(changes) == changes


def test_personal_data_in_an_impersonal_change_is_masked() -> None:
    path = "source.externalReservationId"
    changes = {path: {"from": None, "to": "ada@example.com"}}
    assert mask_changes(changes) == {path: {"from": None, "to": MASK}}


unknown_names = st.text("abcdefghij", min_size=1, max_size=8).map("unknown_{}".format)


@given(st.dictionaries(unknown_names, st.text(min_size=1) | st.integers()))
def test_unknown_fields_are_masked(body: dict[str, object]) -> None:
    assert set(json.loads(mask_json(json.dumps(body))).values()) <= {MASK}


PERSONAL_VALUES = ["Zoë Lovelace", "ada@example.com", "+12125550100", "5550199 77"]
UUID = "2b7e9f40-6c1d-4f0a-8e55-91c7d0a4be13"


@pytest.mark.parametrize(
    "body, keys",
    [
        ({"id": f"555001-{UUID.upper()}"}, {UUID}),
        ({"id": 7, "guest_id": "555001-g"}, {"7", "g"}),
        ({"id": "evt", "data": {"reservationId": "r", "reservation_id": "s"}}, {"evt", "r", "s"}),
        ({"id": "no key", "data": {"id": None, "guest_id": ["g"]}}, set()),
        ({"data": [{"id": "r"}]}, set()),
        ([{"id": "r"}], set()),
        ("r", set()),
    ],
)
def test_ids_are_found_at_the_top_level_and_in_data(body: Any, keys: set[str]) -> None:
    assert collect_referenced_keys(json.dumps(body), "555001") == keys


def test_a_body_other_than_json_has_no_ids() -> None:
    assert collect_referenced_keys('{"id": "r"', None) == set()


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"guest_name": "zoë lovelace"}},
        {"first_name": "ZOË", "last_name": "Lovelace"},
        {"notes": "Table for Zoë   Lovelace, please"},
        {"Zoë Lovelace": 1},
        {"email": "Ada@Example.com"},
        {"notes": ["write to ada@example.com."]},
        {"phone": "(212) 555-0100"},
        {"phone": 2125550100},
        {"phone": "+1 212.555.0100"},
        {"phone": "001-212-555-0100"},
        {"phone": "555 01 99 77"},
        "Zoë Lovelace",
        ["Zoë Lovelace"],
    ],
)
def test_a_person_is_found_in_every_format(body: Any) -> None:
    for text in (json.dumps(body), json.dumps(body, ensure_ascii=False)):
        assert mentions_person(text, PERSONAL_VALUES)


def test_a_phone_number_without_a_country_code_is_found_from_seven_digits_on() -> None:
    body = json.dumps({"notes": "555 0199 or 55 01 98"})
    assert mentions_person(body, ["5550199"])
    assert not mentions_person(body, ["550198"])


def test_a_body_other_than_json_is_searched_as_text() -> None:
    assert mentions_person('{"name": "Zoë Lovelace', PERSONAL_VALUES)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Zoë", "zip": "1", "company": "Lovelace"},
        {"name": "Zoë Lovelaces"},
        {"email": "nada@example.com"},
        {"phone": "212555010", "zip": "0"},
        {"sequence_id": 125550100},
        {},
        None,
    ],
)
def test_another_person_is_not_found(body: Any) -> None:
    assert not mentions_person(json.dumps(body), PERSONAL_VALUES)


def test_a_person_without_a_name_is_not_found() -> None:
    assert not mentions_person(json.dumps({"name": "Ada"}), [])
    assert not mentions_person(json.dumps({"name": " "}), [" "])


@given(json_values)
def test_any_body_is_searched_without_a_failure(value: Any) -> None:
    text = json.dumps(value)
    assert mentions_person(text, ["Zoë Lovelace"]) is False
    assert collect_referenced_keys(text, "555001") == collect_referenced_keys(text, "555001")


NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize("microseconds, expired", [(-1, True), (0, True), (1, False)])
def test_a_document_is_expired_from_its_expiry_time_on(microseconds: int, expired: bool) -> None:
    document = {"expireAt": NOON + timedelta(microseconds=microseconds)}
    assert is_expired(document, "expireAt", NOON) is expired


@pytest.mark.parametrize("document", [{}, {"expireAt": None}, {"expireAt": "2026-03-09"}])
def test_a_document_without_expiry_never_expires(document: dict[str, object]) -> None:
    assert not is_expired(document, "expireAt", NOON)
