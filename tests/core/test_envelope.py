import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.change import Change, Source, Speaker, Version
from shared.core.envelope import change_from_envelope, restaurant_reference, spelled
from shared.errors import RejectedStatementError
from tests.strategies.envelopes import envelopes
from tests.strategies.json_values import json_values

ZONE = ZoneInfo("America/New_York")
RECEIVED = datetime(2026, 3, 9, 12, 31, tzinfo=UTC)
CANONICAL = {
    "restaurantName": "Demo",
    "dinerName": "John Doe",
    "dinerEmail": "john@example.com",
    "dinerPhone": "15551234567",
    "partySize": 4,
    "reservationDateTime": "2026-03-14T23:15:00Z",
    "status": "confirmed",
    "specialRequests": "Window seat",
    "cancellationReason": "Ill",
}
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
OTHER_SPELLINGS = {
    "restaurantName": ["restaurant_name"],
    "dinerName": ["diner_name", "guest_name", "name"],
    "dinerEmail": ["diner_email", "email"],
    "dinerPhone": ["diner_phone", "phone"],
    "partySize": ["party_size", "guest_count"],
    "reservationDateTime": ["reservation_date_time", "datetime"],
    "specialRequests": ["special_requests", "notes"],
    "cancellationReason": ["cancellation_reason"],
}
INVALID: dict[str, list[object]] = {
    "partySize": [0, -1, "four", 4.5, True, [], 100_000],
    "reservationDateTime": ["tomorrow", 5, "2026-02-30T10:00", ""],
    "dinerName": [5, [], {}, False, "\ud800"],
    "status": [5, [], {}, False],
}
other_spellings = pytest.mark.parametrize(
    "name, other",
    [(name, other) for name, others in OTHER_SPELLINGS.items() for other in others],
)


def body(event_type: str = "reservation.updated", /, **data: Any) -> dict[str, Any]:
    return {
        "eventType": event_type,
        "id": "evt_1",
        "timestamp": "2026-03-09T12:30:44Z",
        "data": {"reservationId": "ot_1", "restaurantId": "restaurant-123", **data},
    }


def read(envelope: dict[str, Any], rid: str | None = "555001") -> Change:
    return change_from_envelope(
        envelope, "as it came", rid=rid, zone=ZONE, received_at=RECEIVED, source=Source.REPLAY
    )


def said(event_type: str = "reservation.updated", /, **data: Any) -> dict[str, Any]:
    return dict(read(body(event_type, **data)).said)


def refusal(envelope: dict[str, Any]) -> str:
    with pytest.raises(RejectedStatementError) as refused:
        read(envelope)
    return refused.value.reason


def test_an_envelope_bears_its_names_version_and_origin() -> None:
    change = read(body())
    assert change == Change(
        external_key="ot_1",
        event_id="evt-evt_1",
        event_type="reservation.updated",
        speaker=Speaker.RELAY,
        version=Version(0, datetime(2026, 3, 9, 12, 30, 44, tzinfo=UTC), "evt-evt_1"),
        said={},
        payload="as it came",
        source=Source.REPLAY,
    )


def test_every_canonical_field_is_said() -> None:
    assert said(**CANONICAL) == SAID


@other_spellings
def test_another_spelling_says_the_same(name: str, other: str) -> None:
    assert said(**{other: CANONICAL[name]}) == said(**{name: CANONICAL[name]})


@other_spellings
def test_another_spelling_yields_to_the_canonical_one(name: str, other: str) -> None:
    assert said(**{name: CANONICAL[name], other: "9"}) == said(**{name: CANONICAL[name]})


@other_spellings
def test_another_spelling_serves_where_the_canonical_one_is_null(name: str, other: str) -> None:
    assert said(**{name: None, other: CANONICAL[name]}) == said(**{name: CANONICAL[name]})


@pytest.mark.parametrize("name", ["reservation_id", "id"])
def test_the_reservations_id_has_other_spellings(name: str) -> None:
    envelope = body() | {"data": {name: "ot_2"}}
    assert read(envelope).external_key == "ot_2"


def test_the_event_type_has_another_spelling() -> None:
    envelope = body()
    envelope["event_type"] = envelope.pop("eventType")
    assert read(envelope).event_type == "reservation.updated"


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


@pytest.mark.parametrize("event_type", ["reservation.deleted", "", None, 1, {}, [], "created"])
def test_an_unknown_event_type_is_refused(event_type: object) -> None:
    assert refusal(body() | {"eventType": event_type}) == "unknown_event_type"


@pytest.mark.parametrize("timestamp", [None, "", "now", 1773059444, "2026-03-09"])
def test_an_envelope_without_a_timestamp_is_refused(timestamp: object) -> None:
    assert refusal(body() | {"timestamp": timestamp}) == "invalid_timestamp"


def test_a_timestamp_five_minutes_ahead_of_receipt_is_taken() -> None:
    ahead = RECEIVED + timedelta(seconds=300)
    assert read(body() | {"timestamp": ahead.isoformat()}).version.at == ahead


def test_a_timestamp_further_ahead_is_refused() -> None:
    ahead = RECEIVED + timedelta(seconds=300, microseconds=1)
    assert refusal(body() | {"timestamp": ahead.isoformat()}) == "timestamp_ahead"


@pytest.mark.parametrize("id_", [None, "", "a b", True, [], "x" * 201])
def test_a_reservation_id_that_cannot_be_a_key_is_refused(id_: object) -> None:
    assert refusal(body(reservationId=id_)) == "invalid_id"


@pytest.mark.parametrize("rid, key", [("555001", "ot_1"), (None, "555001-ot_1")])
def test_a_reservation_id_may_carry_the_restaurants_number(rid: str | None, key: str) -> None:
    assert read(body(reservationId="555001-ot_1"), rid).external_key == key


@pytest.mark.parametrize(
    "name, value", [(name, value) for name, values in INVALID.items() for value in values]
)
def test_an_invalid_field_is_refused_by_its_name(name: str, value: object) -> None:
    assert refusal(body(**{name: value})) == f"invalid_{name}"


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


def test_a_spelling_of_null_is_passed_over() -> None:
    assert spelled({"a": None, "b": 0, "c": 1}, "a", "b", "c") == 0


def test_no_spelling_is_none() -> None:
    assert spelled({"d": 1}, "a", "b") is None


@pytest.mark.parametrize("name", ["restaurantId", "restaurant_id"])
@pytest.mark.parametrize("value, reference", [("restaurant-123", "restaurant-123"), (7, "7")])
def test_an_envelope_names_its_restaurant(name: str, value: object, reference: str) -> None:
    assert restaurant_reference({"data": {name: value}}) == reference


@pytest.mark.parametrize("data", [None, [], "restaurant-123", {}, {"restaurantId": []}])
def test_an_envelope_that_names_none_has_no_restaurant(data: object) -> None:
    assert restaurant_reference({"data": data}) is None


@given(envelopes(), st.dictionaries(st.sampled_from(["id", "timestamp", *CANONICAL]), json_values))
def test_any_envelope_is_read_or_refused(
    envelope: dict[str, Any], spoilt: dict[str, object]
) -> None:
    envelope |= {name: spoilt[name] for name in ("id", "timestamp") if name in spoilt}
    envelope["data"] |= spoilt
    with suppress(RejectedStatementError):
        assert read(envelope).speaker is Speaker.RELAY
