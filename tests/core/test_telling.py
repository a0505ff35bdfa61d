import json
from typing import Any

import pytest
from hypothesis import given

from shared.core.telling import mentions_person, referenced_keys
from tests.strategies.json_values import json_values

ADA = ["Zoë Lovelace", "ada@example.com", "+12125550100", "5550199 77"]
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
    assert referenced_keys(json.dumps(body), "555001") == keys


def test_a_body_other_than_json_has_no_ids() -> None:
    assert referenced_keys('{"id": "r"', None) == set()


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
        assert mentions_person(text, ADA)


def test_a_body_other_than_json_is_searched_as_text() -> None:
    assert mentions_person('{"name": "Zoë Lovelace', ADA)


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
    assert not mentions_person(json.dumps(body), ADA)


def test_a_person_without_a_name_is_not_found() -> None:
    assert not mentions_person(json.dumps({"name": "Ada"}), [])
    assert not mentions_person(json.dumps({"name": " "}), [" "])


@given(json_values)
def test_any_body_is_searched_without_a_failure(value: Any) -> None:
    text = json.dumps(value)
    assert mentions_person(text, ["Zoë Lovelace"]) is False
    assert referenced_keys(text, "555001") == referenced_keys(text, "555001")
