import hashlib
import json
from datetime import UTC, datetime

import pytest

from shared.core.change import Actor, Channel, ReservationEvent, Version
from shared.core.envelope import read_restaurant_reference
from tests.core.envelope_reading import CANONICAL, body, read, said

SAID = {
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


def test_an_envelope_bears_its_names_version_and_origin() -> None:
    change = read(body())
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


def test_every_canonical_field_is_said() -> None:
    assert said(**CANONICAL) == SAID


@pytest.mark.parametrize("name", CANONICAL)
def test_null_says_nothing(name: str) -> None:
    assert said(**{name: None}) == {}


@pytest.mark.parametrize("name", ["dinerName", "specialRequests"])
def test_a_blank_text_clears(name: str) -> None:
    assert said(**{name: " "}) == {name: None}


def test_a_start_without_a_zone_is_the_restaurants_local_time() -> None:
    assert said(reservationDateTime="2026-03-14T19:15:00")["startAt"] == SAID["startAt"]


def test_a_timestamp_without_a_zone_is_utc() -> None:
    envelope = body() | {"timestamp": "2026-03-09T12:30:44"}
    assert read(envelope).version == read(body()).version


@pytest.mark.parametrize("word", [None, "confirmed", "on its way"])
def test_a_cancellation_means_cancelled_whatever_its_status_says(word: str | None) -> None:
    assert said("reservation.cancelled", status=word)["status"] == "CANCELLED"


@pytest.mark.parametrize("word", [None, " "])
def test_a_creation_with_no_status_is_confirmed(word: str | None) -> None:
    assert said("reservation.created", status=word) == {"status": "CONFIRMED"}


def test_a_creation_keeps_the_status_it_has() -> None:
    assert said("reservation.created", status="pending")["status"] == "BOOKED"


def test_an_update_with_no_status_says_none() -> None:
    assert said("reservation.updated") == {}


@pytest.mark.parametrize("event_type", ["reservation.created", "reservation.updated"])
def test_an_unknown_status_is_kept_as_a_word_alone(event_type: str) -> None:
    assert said(event_type, status="on its way") == {"state": "on its way"}


@pytest.mark.parametrize("rid, key", [("555001", "ot_1"), (None, "555001-ot_1")])
def test_a_reservation_id_may_carry_the_restaurants_number(rid: str | None, key: str) -> None:
    assert read(body(reservationId="555001-ot_1"), rid).external_key == key


def test_an_envelopes_id_may_be_a_number() -> None:
    assert read(body() | {"id": 7}).event_id == "evt-7"


@pytest.mark.parametrize("id_", [None, "", []])
def test_an_envelope_without_an_id_is_named_by_its_content(id_: object) -> None:
    envelope = body() | {"id": id_}
    content = json.dumps(envelope, sort_keys=True).encode()
    assert read(envelope).event_id == f"evt-content:{hashlib.sha256(content).hexdigest()}"


def test_a_retry_without_an_id_is_the_same_event_in_any_key_order() -> None:
    envelope = body() | {"id": None}
    assert read(dict(reversed(envelope.items()))).event_id == read(envelope).event_id


def test_another_content_without_an_id_is_another_event() -> None:
    assert read(body() | {"id": None}) != read(body(partySize=2) | {"id": None})


@pytest.mark.parametrize("name", ["restaurantId", "restaurant_id"])
@pytest.mark.parametrize("value, reference", [("restaurant-123", "restaurant-123"), (7, "7")])
def test_an_envelope_names_its_restaurant(name: str, value: object, reference: str) -> None:
    assert read_restaurant_reference({"data": {name: value}}) == reference


@pytest.mark.parametrize("data", [None, [], "restaurant-123", {}, {"restaurantId": []}])
def test_an_envelope_that_names_none_has_no_restaurant(data: object) -> None:
    assert read_restaurant_reference({"data": data}) is None
