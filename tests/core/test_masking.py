"""What is masked, and that the unknown is."""

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.core.masking import MASK, mask_json

NAMES = st.text("abcdefghij", min_size=1, max_size=8).map("unknown_{}".format)


def test_what_a_keeper_needs_is_left() -> None:
    body = {"id": "evt_1", "sequence_id": 7, "data": {"partySize": 4, "status": "confirmed"}}
    assert json.loads(mask_json(json.dumps(body))) == body


def test_personal_values_are_masked_wherever_they_stand() -> None:
    body = {"guest": {"first_name": "Ada", "phones": [{"number": 15551234567}]}}
    assert json.loads(mask_json(json.dumps(body))) == {
        "guest": {"first_name": MASK, "phones": [{"number": MASK}]}
    }


def test_a_person_in_an_impersonal_field_is_masked() -> None:
    assert json.loads(mask_json('{"id": "ada@example.com", "status": "call Ada, she knows"}')) == {
        "id": MASK,
        "status": MASK,
    }


def test_that_nothing_was_said_is_left() -> None:
    assert json.loads(mask_json('{"dinerName": null, "vip": true}')) == {
        "dinerName": None,
        "vip": True,
    }


def test_what_is_no_statement_is_masked_whole() -> None:
    assert mask_json("Ada called") == MASK


@given(st.dictionaries(NAMES, st.text(min_size=1) | st.integers()))
def test_whatever_is_unknown_is_masked(body: dict[str, object]) -> None:
    assert set(json.loads(mask_json(json.dumps(body))).values()) <= {MASK}
