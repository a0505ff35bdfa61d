"""What is masked, and that the unknown is."""

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.core.masking import MASK, mask_json

NAMES = st.text("abcdefghij", min_size=1, max_size=8).map("unknown_{}".format)


def test_fields_needed_for_review_are_not_masked() -> None:
    body = {"id": "evt_1", "sequence_id": 7, "data": {"partySize": 4, "status": "confirmed"}}
    assert json.loads(mask_json(json.dumps(body))) == body


def test_personal_values_are_masked_at_any_depth() -> None:
    body = {"guest": {"first_name": "Ada", "phones": [{"number": 15551234567}]}}
    assert json.loads(mask_json(json.dumps(body))) == {
        "guest": {"first_name": MASK, "phones": [{"number": MASK}]}
    }


def test_personal_data_in_an_allowed_field_is_masked() -> None:
    assert json.loads(mask_json('{"id": "ada@example.com", "status": "call Ada, she knows"}')) == {
        "id": MASK,
        "status": MASK,
    }


def test_null_and_missing_values_are_not_masked() -> None:
    assert json.loads(mask_json('{"dinerName": null, "vip": true}')) == {
        "dinerName": None,
        "vip": True,
    }


def test_a_body_other_than_an_event_is_masked_completely() -> None:
    assert mask_json("Ada called") == MASK


@given(st.dictionaries(NAMES, st.text(min_size=1) | st.integers()))
def test_unknown_fields_are_masked(body: dict[str, object]) -> None:
    assert set(json.loads(mask_json(json.dumps(body))).values()) <= {MASK}
