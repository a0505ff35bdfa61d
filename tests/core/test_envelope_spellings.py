import pytest

from shared.core.envelope import read_first_present
from tests.core.envelope_reading import CANONICAL, body, read, said

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


def test_a_spelling_of_null_is_passed_over() -> None:
    assert read_first_present({"a": None, "b": 0, "c": 1}, "a", "b", "c") == 0


def test_no_spelling_is_none() -> None:
    assert read_first_present({"d": 1}, "a", "b") is None
