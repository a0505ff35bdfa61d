import json
from typing import Any

import pytest
from hypothesis import given

from shared.core.erasure import (
    PERSONAL_FIELDS,
    collect_personal_values,
    redact_event,
    redact_journal_entry,
    redact_json,
    redact_state,
    redact_value,
)
from shared.core.guest import UNVERSIONED
from shared.core.joined import LinkedGuest
from shared.core.statements import ReservationState
from tests.statements import envelope_body, envelope_event, row_body, row_event
from tests.strategies.json_values import json_values

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


@pytest.mark.parametrize(
    "name, value", [("partySize", 4), ("tableNumbers", ["12"]), ("state", "x")]
)
def test_an_anonymous_value_stays(name: str, value: Any) -> None:
    assert redact_value(name, value) == value


def test_an_erased_envelope_keeps_time_party_and_status() -> None:
    body = envelope_body(reservationDateTime="2026-03-14T23:15:00Z", **PERSON)
    scrubbed = json.loads(redact_json(json.dumps(body)))
    assert scrubbed == body | {
        "data": {
            "reservationId": "ot_1",
            "partySize": 4,
            "reservationDateTime": "2026-03-14T23:15:00Z",
            "status": "confirmed",
        }
    }


def test_an_erased_row_keeps_time_party_tables_and_state() -> None:
    said = row_body(3, guest_id="555001-g1", table_number=["12", "A1"], state="Partially Seated")
    told = said | {"guest_request": "marked", "visit_tags": ["marked"], "referrer": {"email": "m"}}
    assert json.loads(redact_json(json.dumps(told))) == said


@pytest.mark.parametrize(
    "body",
    [
        '"Marked"',
        '["Marked"]',
        '{"data": ["Marked"]}',
        '{"data": "Marked"}',
        '{"id": "Ada Marked"}',
        '{"id": "marked@example.com1"}',
        '{"state": "Marked"}',
        '{"table_number": [["Marked"], "12"]}',
        '{"id": {"name": "Marked"}}',
        '{"Marked": 1}',
        "Marked",
        "[" * 100_000,
    ],
)
def test_a_body_in_an_unknown_format_is_erased_completely(body: str) -> None:
    assert "marked" not in redact_json(body).lower()


@given(json_values)
def test_erasing_twice_changes_nothing_more(value: Any) -> None:
    once = redact_json(json.dumps(value))
    assert redact_json(once) == once


@pytest.mark.parametrize("change", [envelope_event(**PERSON), row_event(1, guest_request="marked")])
def test_an_event_is_erased_completely(change: Any) -> None:
    scrubbed = redact_event(change)
    assert "marked" not in str(scrubbed).lower()
    assert (scrubbed.version, scrubbed.fields.keys()) == (change.version, change.fields.keys())


def test_every_register_is_erased_and_keeps_its_versions() -> None:
    statements = (
        ReservationState()
        .merge(envelope_event(**PERSON))
        .merge(row_event(1, guest_request="marked"))
    )
    scrubbed = redact_state(statements)
    assert "marked" not in str(scrubbed).lower()
    for speaker, register in statements.registers_by_actor.items():
        kept = scrubbed.registers_by_actor[speaker].fields
        assert {n: s.version for n, s in kept.items()} == {
            n: s.version for n, s in register.fields.items()
        }


def entry(**fields: Any) -> dict[str, Any]:
    whole = {
        "fields": {"partySize": 4, "specialRequests": "marked"},
        "changes": {
            "partySize": {"from": None, "to": 4},
            "dinerName": {"from": None, "to": "Marked"},
            "metadata.specialRequests": {"from": None, "to": "marked"},
        },
        "payload": '{"partySize": 4, "notes": "marked"}',
        "outcome": "created",
    }
    return whole | fields


def test_only_changed_fields_of_an_entry_are_returned() -> None:
    assert redact_journal_entry(entry()) == {
        "fields": {"partySize": 4, "specialRequests": None},
        "changes": {"partySize": {"from": None, "to": 4}},
        "payload": '{"partySize": 4}',
    }


def test_an_entry_without_personal_data_is_unchanged() -> None:
    assert redact_journal_entry(entry() | redact_journal_entry(entry())) == {}


def test_personal_values_come_from_relay_fields_and_the_linked_guest() -> None:
    guest = LinkedGuest(("loser", "ada"), UNVERSIONED, diner_name="Ada", phone="+1212")
    statements = ReservationState(linked_guest=guest).merge(
        envelope_event(dinerName="A. L.", dinerEmail="a@b.c")
    )
    assert collect_personal_values(statements, "ada") == {"Ada", "+1212", "A. L.", "a@b.c"}
    assert collect_personal_values(statements, "loser") == collect_personal_values(
        statements, "ada"
    )
    assert collect_personal_values(statements, "another") == {"A. L.", "a@b.c"}


def test_a_reservation_without_events_has_no_personal_values() -> None:
    assert collect_personal_values(ReservationState(), "ada") == set()
