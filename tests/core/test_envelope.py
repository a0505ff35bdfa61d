import hashlib
import json
from datetime import UTC, datetime

import pytest

from shared.core.change import Actor, Channel, ReservationEvent, Version
from shared.core.envelope import read_restaurant_reference
from tests.core.envelope_reading import (
    CANONICAL_FIELDS,
    build_envelope,
    envelope_fields,
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
    "state": "confirmed",
    "status": "CONFIRMED",
    "specialRequests": "Window seat",
    "cancellationReason": "Ill",
}


def test_an_envelope_event_has_ids_version_and_origin() -> None:
    change = normalize_envelope(build_envelope())
    assert change == ReservationEvent(
        external_key="ot_1",
        event_id="evt-evt_1",
        event_type="reservation.updated",
        actor=Actor.RELAY,
        version=Version(0, datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC), "evt-evt_1"),
        fields={},
        payload="as it came",
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


def test_a_start_without_a_zone_is_the_restaurants_local_time() -> None:
    assert (
        envelope_fields(reservationDateTime="2026-03-14T19:15:00")["startAt"]
        == EXPECTED_FIELDS["startAt"]
    )


def test_a_timestamp_without_a_zone_is_utc() -> None:
    envelope = build_envelope() | {"timestamp": "2026-03-09T12:30:44"}
    assert normalize_envelope(envelope).version == normalize_envelope(build_envelope()).version


@pytest.mark.parametrize("word", [None, "confirmed", "on its way"])
def test_a_cancellation_overrides_its_status_field(word: str | None) -> None:
    assert envelope_fields("reservation.cancelled", status=word)["status"] == "CANCELLED"


@pytest.mark.parametrize("word", [None, " "])
def test_a_creation_with_no_status_is_confirmed(word: str | None) -> None:
    assert envelope_fields("reservation.created", status=word) == {"status": "CONFIRMED"}


def test_a_creation_uses_its_status_field() -> None:
    assert envelope_fields("reservation.created", status="pending")["status"] == "BOOKED"


def test_an_update_without_a_status_does_not_set_one() -> None:
    assert envelope_fields("reservation.updated") == {}


@pytest.mark.parametrize("event_type", ["reservation.created", "reservation.updated"])
def test_an_unknown_status_is_stored_only_as_text(event_type: str) -> None:
    assert envelope_fields(event_type, status="on its way") == {"state": "on its way"}


@pytest.mark.parametrize("rid, key", [("555001", "ot_1"), (None, "555001-ot_1")])
def test_a_reservation_id_may_carry_the_restaurants_number(rid: str | None, key: str) -> None:
    assert normalize_envelope(build_envelope(reservationId="555001-ot_1"), rid).external_key == key


def test_an_envelopes_id_may_be_a_number() -> None:
    assert normalize_envelope(build_envelope() | {"id": 7}).event_id == "evt-7"


@pytest.mark.parametrize("id_", [None, "", []])
def test_an_envelope_without_an_id_gets_an_id_from_its_content(id_: object) -> None:
    envelope = build_envelope() | {"id": id_}
    content = json.dumps(envelope, sort_keys=True).encode()
    assert (
        normalize_envelope(envelope).event_id
        == f"evt-content:{hashlib.sha256(content).hexdigest()}"
    )


def test_a_retry_without_an_id_is_the_same_event_in_any_key_order() -> None:
    envelope = build_envelope() | {"id": None}
    assert (
        normalize_envelope(dict(reversed(envelope.items()))).event_id
        == normalize_envelope(envelope).event_id
    )


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
