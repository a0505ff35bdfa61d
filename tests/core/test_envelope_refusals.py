from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.change import Actor
from shared.errors import InvalidEventError
from tests.core.envelope_reading import (
    CANONICAL_FIELDS,
    ENVELOPE_RECEIVED_AT,
    build_envelope,
    envelope_rejection,
    normalize_envelope,
)
from tests.strategies.envelopes import envelope_bodies
from tests.strategies.json_values import json_values

INVALID: dict[str, list[object]] = {
    "partySize": [0, -1, "four", 4.5, True, [], 100_000],
    "reservationDateTime": ["tomorrow", 5, "2026-02-30T10:00", ""],
    "dinerName": [5, [], {}, False, "\ud800"],
    "status": [5, [], {}, False],
}


@pytest.mark.parametrize("event_type", ["reservation.deleted", "", None, 1, {}, [], "created"])
def test_an_unknown_event_type_is_refused(event_type: object) -> None:
    assert envelope_rejection(build_envelope() | {"eventType": event_type}) == "unknown_event_type"


@pytest.mark.parametrize("timestamp", [None, "", "now", 1773059444, "2026-03-09"])
def test_an_envelope_without_a_timestamp_is_refused(timestamp: object) -> None:
    assert envelope_rejection(build_envelope() | {"timestamp": timestamp}) == "invalid_timestamp"


def test_a_timestamp_five_minutes_ahead_of_receipt_is_accepted() -> None:
    ahead = ENVELOPE_RECEIVED_AT + timedelta(seconds=300)
    assert (
        normalize_envelope(build_envelope() | {"timestamp": ahead.isoformat()}).version.occurred_at
        == ahead
    )


def test_a_timestamp_further_ahead_is_rejected() -> None:
    ahead = ENVELOPE_RECEIVED_AT + timedelta(seconds=300, microseconds=1)
    assert (
        envelope_rejection(build_envelope() | {"timestamp": ahead.isoformat()})
        == "timestamp_in_future"
    )


@pytest.mark.parametrize("id_", [None, "", "a b", True, [], "x" * 201])
def test_a_reservation_id_that_cannot_be_a_key_is_refused(id_: object) -> None:
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
    envelope: dict[str, Any], spoilt: dict[str, object]
) -> None:
    envelope |= {name: spoilt[name] for name in ("id", "timestamp") if name in spoilt}
    envelope["data"] |= spoilt
    with suppress(InvalidEventError):
        assert normalize_envelope(envelope).actor is Actor.RELAY
