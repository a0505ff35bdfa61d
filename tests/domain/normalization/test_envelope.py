"""An envelope becomes an event, or is rejected with the name of the unusable field."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ledger.events import Actor, Channel, ReservationEvent, Version
from shared.domain.normalization.webhook_body import (
    MAX_CLOCK_SKEW,
    is_test_event,
    parse_envelope,
    read_first_present,
    read_restaurant_reference,
)
from shared.errors import InvalidEventError
from tests.strategies.events import NOON, ZONE, envelope_bodies
from tests.strategies.json_values import json_values
from tests.support.events import envelope_body
from tests.support.normalization import (
    CANONICAL_FIELDS,
    ENVELOPE_RECEIVED_AT,
    build_envelope,
    envelope_fields,
    envelope_rejection,
    normalize_envelope,
)

EXPECTED_FIELDS = {
    "restaurantName": "Demo",
    "dinerName": "John Doe",
    "email": "john@example.com",
    "phone": "15551234567",
    "partySize": 4,
    "startAt": datetime(2026, 3, 14, 23, 15, tzinfo=UTC),
    "startAtNote": None,
    "state": "Confirmed",
    "status": "CONFIRMED",
    "specialRequests": "Window seat",
    "cancellationReason": "Ill",
}


def test_an_envelope_event_has_ids_version_and_origin() -> None:
    event = normalize_envelope(build_envelope())
    assert event == ReservationEvent(
        external_key="ot_1",
        event_id="evt-evt_1",
        event_type="reservation.updated",
        actor=Actor.RELAY,
        version=Version(0, datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC), 1, "evt-evt_1"),
        fields={},
        payload="as received",
        channel=Channel.REPLAY,
    )


def test_every_canonical_field_is_read() -> None:
    assert envelope_fields(**CANONICAL_FIELDS) == EXPECTED_FIELDS


@pytest.mark.parametrize("name", CANONICAL_FIELDS)
def test_null_is_treated_as_missing(name: str) -> None:
    assert envelope_fields(**{name: None}) == {}


@pytest.mark.parametrize("name", ["dinerName", "specialRequests"])
def test_a_blank_text_clears_the_field(name: str) -> None:
    assert envelope_fields(**{name: " "}) == {name: None}


@pytest.mark.parametrize("phone", [15551234567, 15551234567.0, "15551234567 "])
def test_a_phone_may_be_a_number(phone: object) -> None:
    assert envelope_fields(dinerPhone=phone) == {"phone": "15551234567"}


def test_a_start_without_a_zone_is_the_restaurants_local_time() -> None:
    fields = envelope_fields(reservationDateTime="2026-03-14T19:15:00")
    assert fields["startAt"] == EXPECTED_FIELDS["startAt"]


def test_a_timestamp_without_a_zone_is_utc() -> None:
    envelope = build_envelope() | {"timestamp": "2026-03-09T12:30:44"}
    assert normalize_envelope(envelope).version == normalize_envelope(build_envelope()).version


@pytest.mark.parametrize(
    "event_type, status, fields",
    [
        ("cancelled", None, {"status": "CANCELLED"}),
        ("cancelled", "confirmed", {"state": "Confirmed", "status": "CANCELLED"}),
        ("cancelled", "on its way", {"state": "on its way", "status": "CANCELLED"}),
        ("created", None, {"status": "CONFIRMED"}),
        ("created", " ", {"status": "CONFIRMED"}),
        ("created", "pending", {"state": "pending", "status": "BOOKED"}),
        ("created", "on its way", {"state": "on its way"}),
        ("updated", None, {}),
        ("updated", "on its way", {"state": "on its way"}),
    ],
)
def test_a_cancellation_overrides_the_reported_status_and_a_creation_has_a_default(
    event_type: str, status: str | None, fields: dict[str, str]
) -> None:
    assert envelope_fields(f"reservation.{event_type}", status=status) == fields


@pytest.mark.parametrize("rid, key", [("555001", "ot_1"), (None, "555001-ot_1")])
def test_a_reservation_id_may_start_with_the_restaurants_number(rid: str | None, key: str) -> None:
    assert normalize_envelope(build_envelope(reservationId="555001-ot_1"), rid).external_key == key


def test_an_envelopes_id_may_be_a_number() -> None:
    assert normalize_envelope(build_envelope() | {"id": 7}).event_id == "evt-7"


@pytest.mark.parametrize("id_", [None, "", []])
def test_an_envelope_without_an_id_gets_an_id_from_its_content(id_: object) -> None:
    event_id = normalize_envelope(build_envelope() | {"id": id_}).event_id
    assert re.fullmatch("evt-content:[0-9a-f]{64}", event_id)


def test_a_retry_without_an_id_is_the_same_event_in_any_key_order() -> None:
    envelope = build_envelope() | {"id": None}
    reordered = normalize_envelope(dict(reversed(envelope.items())))
    assert reordered.event_id == normalize_envelope(envelope).event_id


@pytest.mark.parametrize(
    "data",
    [
        {"partySize": "4.0"},
        {"status": "CONFIRMED "},
        {"specialRequests": None},
        {"dinerEmail": "Ada@Example.com"},
        {"dinerPhone": "+1 (555) 123-4567"},
        {"reservationDateTime": "2026-11-01T05:30:00Z"},
    ],
)
def test_a_retry_without_an_id_is_the_same_event_in_another_spelling(data: dict[str, Any]) -> None:
    complete: dict[str, Any] = {
        "partySize": 4,
        "status": "confirmed",
        "dinerEmail": "ada@example.com",
        "dinerPhone": "15551234567",
        "reservationDateTime": "2026-11-01T01:30:00",
    }
    events = [
        normalize_envelope(
            build_envelope(**complete | spelled)
            | {"id": None, "timestamp": f"2026-03-09T12:30:00{zone}"}
        )
        for spelled, zone in (({}, "Z"), (data, "+00:00"))
    ]
    assert events[0].event_id == events[1].event_id


def test_another_content_without_an_id_is_another_event() -> None:
    assert normalize_envelope(build_envelope() | {"id": None}) != normalize_envelope(
        build_envelope(partySize=2) | {"id": None}
    )


@pytest.mark.parametrize("name", ["restaurantId", "restaurant_id"])
@pytest.mark.parametrize("value, reference", [("restaurant-123", "restaurant-123"), (7, "7")])
def test_an_envelope_contains_its_restaurant(name: str, value: object, reference: str) -> None:
    assert read_restaurant_reference({"data": {name: value}}) == reference


@pytest.mark.parametrize("data", [None, [], "restaurant-123", {}, {"restaurantId": []}])
def test_an_envelope_without_restaurant_id_has_no_restaurant(data: object) -> None:
    assert read_restaurant_reference({"data": data}) is None


INVALID: dict[str, list[object]] = {
    "partySize": [0, -1, "four", 4.5, True, [], 100_000],
    "reservationDateTime": ["tomorrow", 5, "2026-02-30T10:00", "9999-12-31T23:59:00Z"],
    "dinerName": [5, [], {}, False, "\ud800"],
    "status": [5, [], {}, False],
}


@pytest.mark.parametrize(
    "event_type", ["Reservation.Cancelled", " reservation.cancelled ", "reservation.canceled"]
)
def test_an_event_type_may_be_written_in_another_way(event_type: str) -> None:
    event = normalize_envelope(build_envelope() | {"eventType": event_type})
    assert (event.event_type, event.fields["status"]) == ("reservation.cancelled", "CANCELLED")


@pytest.mark.parametrize("event_type", ["reservation.deleted", "", None, 1, {}, [], "created"])
def test_an_unknown_event_type_is_rejected(event_type: object) -> None:
    assert envelope_rejection(build_envelope() | {"eventType": event_type}) == "unknown_event_type"


@pytest.mark.parametrize("timestamp", [None, "", "now", 1773059444, "2026-03-09"])
def test_an_envelope_without_a_timestamp_is_rejected(timestamp: object) -> None:
    assert envelope_rejection(build_envelope() | {"timestamp": timestamp}) == "invalid_timestamp"


def test_a_timestamp_five_minutes_ahead_of_receipt_is_accepted() -> None:
    ahead = ENVELOPE_RECEIVED_AT + timedelta(seconds=300)
    event = normalize_envelope(build_envelope() | {"timestamp": ahead.isoformat()})
    assert event.version.occurred_at == ahead


def test_a_timestamp_further_ahead_is_rejected() -> None:
    ahead = ENVELOPE_RECEIVED_AT + timedelta(seconds=300, microseconds=1)
    envelope = build_envelope() | {"timestamp": ahead.isoformat()}
    assert envelope_rejection(envelope) == "timestamp_in_future"


@pytest.mark.parametrize("id_", [None, "", "a b", True, [], "x" * 201])
def test_a_reservation_id_that_cannot_be_a_key_is_rejected(id_: object) -> None:
    assert envelope_rejection(build_envelope(reservationId=id_)) == "invalid_id"


@pytest.mark.parametrize(
    "name, value", [(name, value) for name, values in INVALID.items() for value in values]
)
def test_an_invalid_field_is_rejected_by_name(name: str, value: object) -> None:
    assert envelope_rejection(build_envelope(**{name: value})) == f"invalid_{name}"


@given(
    envelope_bodies(),
    st.dictionaries(st.sampled_from(["id", "timestamp", *CANONICAL_FIELDS]), json_values),
)
def test_any_envelope_is_read_or_rejected(
    envelope: dict[str, Any], replaced: dict[str, object]
) -> None:
    envelope |= {name: replaced[name] for name in ("id", "timestamp") if name in replaced}
    envelope["data"] |= replaced
    with suppress(InvalidEventError):
        assert normalize_envelope(envelope).actor is Actor.RELAY


ALIASES = {
    "restaurantName": ["restaurant_name"],
    "dinerName": ["diner_name", "guest_name", "name"],
    "dinerEmail": ["diner_email", "email"],
    "dinerPhone": ["diner_phone", "phone"],
    "partySize": ["party_size", "guest_count"],
    "reservationDateTime": ["reservation_date_time", "datetime"],
    "specialRequests": ["special_requests", "notes"],
    "cancellationReason": ["cancellation_reason"],
}

alias_pairs = pytest.mark.parametrize(
    "name, alias",
    [(name, alias) for name, aliases in ALIASES.items() for alias in aliases],
)


@alias_pairs
def test_an_alternative_field_name_is_read_if_the_canonical_one_is_missing_or_null(
    name: str, alias: str
) -> None:
    value = CANONICAL_FIELDS[name]
    expected = envelope_fields(**{name: value})
    assert envelope_fields(**{alias: value}) == expected
    assert envelope_fields(**{name: None, alias: value}) == expected


@alias_pairs
def test_the_canonical_field_name_takes_precedence(name: str, alias: str) -> None:
    canonical = {name: CANONICAL_FIELDS[name]}
    assert envelope_fields(**canonical, **{alias: "9"}) == envelope_fields(**canonical)


@pytest.mark.parametrize("name", ["reservation_id", "id"])
def test_the_reservation_id_has_alternative_field_names(name: str) -> None:
    envelope = build_envelope() | {"data": {name: "ot_2"}}
    assert normalize_envelope(envelope).external_key == "ot_2"


def test_the_event_type_has_an_alternative_field_name() -> None:
    envelope = build_envelope()
    envelope["event_type"] = envelope.pop("eventType")
    assert normalize_envelope(envelope).event_type == "reservation.updated"


def test_the_first_value_other_than_null_is_read() -> None:
    assert read_first_present({"a": None, "b": 0, "c": 1}, "a", "b", "c") == 0


@pytest.mark.parametrize(
    "timestamp, occurred_at",
    [
        pytest.param(NOON + MAX_CLOCK_SKEW + timedelta(seconds=1), NOON, id="future"),
        pytest.param(NOON + MAX_CLOCK_SKEW, NOON + MAX_CLOCK_SKEW, id="within tolerance"),
        pytest.param(NOON - timedelta(days=1), NOON - timedelta(days=1), id="past"),
    ],
)
def test_a_replayed_event_of_the_future_has_its_receipt_time(
    timestamp: datetime, occurred_at: datetime
) -> None:
    event = parse_envelope(
        envelope_body() | {"timestamp": timestamp.isoformat()},
        "{}",
        rid="555001",
        zone=ZONE,
        received_at=NOON,
        channel=Channel.REPLAY,
        accept_future_timestamp=True,
    )
    assert event.version.occurred_at == occurred_at


@pytest.mark.parametrize(
    "body, is_test",
    [
        ({"eventType": "webhook.test"}, True),
        ({"event_type": "webhook.test"}, True),
        ({"eventType": "reservation.created", "event_type": "webhook.test"}, False),
        ({"eventType": ["webhook.test"]}, False),
        ({}, False),
    ],
)
def test_a_test_event_is_recognized_by_its_type(body: dict[str, Any], is_test: bool) -> None:
    assert is_test_event(body) is is_test
