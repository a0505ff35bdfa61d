from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.change import Actor
from shared.errors import InvalidEventError
from tests.core.row_reading import COMPLETE_ROW, normalize_row, row_rejection
from tests.strategies.json_values import json_values

INVALID: dict[str, list[object]] = {
    "party_size": [0, -1, 4.5, True, []],
    "confirmation_id": [-1, True, 2**63, [], 1.5],
    "table_number": ["14", [14], {}],
    "state": [1, [], {}],
    "guest_request": [1, [], "\ud800"],
    "scheduled_time_utc": ["soon", 5, ""],
    "seated_time": ["soon", 5, ""],
}


@pytest.mark.parametrize("rid", [555002, "555002", None, True, 555001.0])
def test_a_row_of_another_restaurant_is_refused(rid: object) -> None:
    assert row_rejection(rid=rid) == "wrong_rid"


@pytest.mark.parametrize("id_", [None, "", [], True, "a b", "555001-"])
def test_a_row_without_a_usable_id_is_refused(id_: object) -> None:
    assert row_rejection(id=id_) == "invalid_id"


@pytest.mark.parametrize("sequence_id", [None, "7", -1, 7.0, True, 2**63])
def test_a_row_without_a_sequence_is_refused(sequence_id: object) -> None:
    assert row_rejection(sequence_id=sequence_id) == "invalid_sequence_id"


@pytest.mark.parametrize("updated_at", [None, "", "now", 5])
def test_a_row_without_the_time_of_its_update_is_refused(updated_at: object) -> None:
    assert row_rejection(updated_at_utc=updated_at) == "invalid_updated_at_utc"


@pytest.mark.parametrize(
    "name, value", [(name, value) for name, values in INVALID.items() for value in values]
)
def test_an_invalid_row_field_is_rejected_by_name(name: str, value: object) -> None:
    assert row_rejection(**{name: value}) == f"invalid_{name}"


@given(st.dictionaries(st.sampled_from(sorted(COMPLETE_ROW)), json_values))
def test_any_reservation_row_is_read_or_rejected(spoilt: dict[str, Any]) -> None:
    with suppress(InvalidEventError):
        assert normalize_row(**(COMPLETE_ROW | spoilt)).actor is Actor.OPENTABLE
