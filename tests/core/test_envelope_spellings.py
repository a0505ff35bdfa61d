import pytest

from shared.core.envelope import read_first_present
from tests.core.envelope_reading import (
    CANONICAL_FIELDS,
    build_envelope,
    envelope_fields,
    normalize_envelope,
)

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
other_spellings = pytest.mark.parametrize(
    "name, other",
    [(name, other) for name, others in OTHER_SPELLINGS.items() for other in others],
)


@other_spellings
def test_an_alternative_field_name_is_read(name: str, other: str) -> None:
    assert envelope_fields(**{other: CANONICAL_FIELDS[name]}) == envelope_fields(
        **{name: CANONICAL_FIELDS[name]}
    )


@other_spellings
def test_the_canonical_field_name_takes_precedence(name: str, other: str) -> None:
    assert envelope_fields(**{name: CANONICAL_FIELDS[name], other: "9"}) == envelope_fields(
        **{name: CANONICAL_FIELDS[name]}
    )


@other_spellings
def test_an_alternative_field_name_is_used_when_the_canonical_one_is_null(
    name: str, other: str
) -> None:
    assert envelope_fields(**{name: None, other: CANONICAL_FIELDS[name]}) == envelope_fields(
        **{name: CANONICAL_FIELDS[name]}
    )


@pytest.mark.parametrize("name", ["reservation_id", "id"])
def test_the_reservation_id_has_alternative_field_names(name: str) -> None:
    envelope = build_envelope() | {"data": {name: "ot_2"}}
    assert normalize_envelope(envelope).external_key == "ot_2"


def test_the_event_type_has_an_alternative_field_name() -> None:
    envelope = build_envelope()
    envelope["event_type"] = envelope.pop("eventType")
    assert normalize_envelope(envelope).event_type == "reservation.updated"


def test_an_alternative_field_with_null_is_skipped() -> None:
    assert read_first_present({"a": None, "b": 0, "c": 1}, "a", "b", "c") == 0


def test_a_field_without_any_name_is_absent() -> None:
    assert read_first_present({"d": 1}, "a", "b") is None
