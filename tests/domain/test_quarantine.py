"""What a quarantined event is about, and its rejection in plain words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.quarantine import describe_rejection, summarize_quarantined_body
from tests.strategies.json_values import json_values
from tests.support.events import envelope_body, row_body


def summarize(reason: str, body: dict[str, Any]) -> dict[str, Any]:
    return summarize_quarantined_body(reason, json.dumps(body))


def describe_body(reason: str, body: dict[str, Any]) -> str:
    return describe_rejection(reason, "", summarize(reason, body))


def test_an_envelope_is_summarized() -> None:
    body = envelope_body(dinerName="John Doe", partySize=-3)
    assert summarize("invalid_partySize", body) == {
        "eventType": "reservation.created",
        "externalId": "ot_1",
        "startAt": "2026-03-14T23:15:00Z",
        "partySize": "-3",
        "guest": "J••• D•••",
        "rejectedValue": "-3",
    }


def test_a_row_is_summarized() -> None:
    summary = summarize("wrong_rid", row_body(7, party_size=4))
    assert (summary["partySize"], summary["guest"]) == ("4", None)


@pytest.mark.parametrize(
    "body, initials",
    [
        ({"first_name": "Zoë", "last_name": "Łukasz"}, "Z••• Ł•••"),
        (envelope_body(dinerName="Ana Maria de Souza"), "A••• M••• d•••"),
    ],
    ids=["first and last name", "more than three names"],
)
def test_a_guest_is_named_by_at_most_three_initials(body: dict[str, Any], initials: str) -> None:
    assert summarize("invalid_email", body)["guest"] == initials


def test_an_envelope_of_a_relay_may_spell_the_event_type_with_an_underscore() -> None:
    body = {"event_type": "reservation.created", "data": {}}
    assert summarize("invalid_id", body)["eventType"] == "reservation.created"


def test_a_rejected_value_of_the_envelope_is_shown() -> None:
    body = envelope_body() | {"timestamp": "2026-13-45"}
    assert summarize("invalid_timestamp", body)["rejectedValue"] == "2026-13-45"


@pytest.mark.parametrize("reason", ["rid", "wrong_rid"])
def test_a_reason_without_a_field_has_no_rejected_value(reason: str) -> None:
    assert summarize(reason, row_body(7, rid="555001"))["rejectedValue"] is None


def test_a_masked_value_is_not_shown() -> None:
    body = envelope_body(status="call Ada, please!")
    assert summarize("invalid_status", body)["rejectedValue"] is None


def test_a_field_without_a_label_is_called_by_its_name() -> None:
    assert describe_rejection("invalid_origin", "", {"rejectedValue": "4"}) == (
        "The field origin is 4. Ask the sender to correct it."
    )


@pytest.mark.parametrize(
    "value, shown",
    [
        ("-1.5", "\N{MINUS SIGN}1.5"),
        ("-1", "\N{MINUS SIGN}1"),
        ("1.5", "1.5"),
        ("-1.5.2", "-1.5.2"),
        ("9-10", "9-10"),
    ],
)
def test_only_a_negative_number_is_shown_with_a_minus_sign(value: str, shown: str) -> None:
    message = describe_rejection("invalid_party_size", "", {"rejectedValue": value})
    assert message == f"Party size is {shown}. Ask the sender to correct it."


@pytest.mark.parametrize(
    "value, message",
    [
        (-3, "Party size is \N{MINUS SIGN}3. Ask the sender to correct it."),
        (0, "Party size is 0. Ask the sender to correct it."),
        ("many", "Party size is many. Ask the sender to correct it."),
        (None, "Party size is missing or cannot be read. Ask the sender to correct it."),
        ([4], "Party size is missing or cannot be read. Ask the sender to correct it."),
        ("", "Party size is missing or cannot be read. Ask the sender to correct it."),
    ],
)
def test_a_rejected_party_size_is_named(value: object, message: str) -> None:
    assert describe_body("invalid_partySize", envelope_body(partySize=value)) == message
    assert describe_body("invalid_party_size", row_body(7, party_size=value)) == message


@pytest.mark.parametrize("value", ["secret@example.com", "15551234567"])
@pytest.mark.parametrize("field", ["dinerName", "dinerEmail", "dinerPhone", "specialRequests"])
def test_a_rejected_personal_value_is_not_repeated(field: str, value: str) -> None:
    data: dict[str, Any] = {field: value}
    assert value[:4] not in json.dumps(summarize(f"invalid_{field}", envelope_body(**data)))


def test_a_rejection_of_the_whole_update_says_what_to_do() -> None:
    assert describe_body("unknown_reservation", envelope_body()) == (
        "The update names a reservation that does not exist. Check its id."
    )


def test_a_rejection_without_a_message_shows_its_detail() -> None:
    assert describe_rejection("other", "The detail.", {}) == "The detail."


@pytest.mark.parametrize("body", ["", "Ada called", "[1]", '"Ada"', '{"dinerName": "Ada"'])
def test_a_body_that_is_no_json_object_has_an_empty_summary(body: str) -> None:
    summary = summarize_quarantined_body("invalid_partySize", body)
    assert set(summary.values()) == {None}


@given(body=st.text() | json_values.map(json.dumps), reason=st.text())
def test_every_body_has_a_summary_that_can_be_stored(body: str, reason: str) -> None:
    summary = summarize_quarantined_body(reason, body)
    assert all(value is None or value.encode() is not None for value in summary.values())
    assert isinstance(describe_rejection(reason, "", summary), str)


names = st.sampled_from(["dinerName", "name", "partySize", "first_name", "eventType", "id", "data"])


@given(body=st.dictionaries(names, json_values | st.dictionaries(names, json_values)))
def test_every_shape_of_a_known_field_has_a_summary(body: dict[str, Any]) -> None:
    summary = summarize_quarantined_body("invalid_partySize", json.dumps(body))
    assert all(value is None or isinstance(value, str) for value in summary.values())
