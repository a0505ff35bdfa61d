"""Hostile input is never lost, never answered with 500, and does not affect later input.

Any authenticated body is applied or quarantined unchanged.
"""

import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.ledger.fields import RESERVATION_FIELDS
from tests.support.events import envelope_body, row_body
from tests.support.hostile_values import HOSTILE_VALUES
from tests.support.webhooks import WebhookSender, response_status

pytestmark = pytest.mark.slow

RELAY_NAMES = {field.relay_names[0] for field in RESERVATION_FIELDS if field.relay_names}
ENVELOPE_DATA = ["reservationId", *sorted(RELAY_NAMES)]
OPENTABLE_NAMES = {name for field in RESERVATION_FIELDS for name in field.opentable_names}
OBJECT_FIELDS = ["sequence_id", "updated_at_utc", *sorted(OPENTABLE_NAMES)]


@pytest.mark.parametrize("name", HOSTILE_VALUES)
async def test_a_hostile_value_in_any_envelope_field_is_stored(
    name: str, sender: WebhookSender
) -> None:
    for number, field in enumerate(ENVELOPE_DATA):
        body = sender.envelope(reservationId=f"r{number}") | {"id": f"e{number}"}
        body["data"][field] = HOSTILE_VALUES[name]
        await sender.send_and_verify_stored(json.dumps(body).encode())


@pytest.mark.parametrize("name", HOSTILE_VALUES)
async def test_a_hostile_value_outside_the_envelope_data_is_stored(
    name: str, sender: WebhookSender
) -> None:
    for number, field in enumerate(["eventType", "id", "timestamp"]):
        body = sender.envelope(reservationId=f"r{number}") | {field: HOSTILE_VALUES[name]}
        await sender.send_and_verify_stored(json.dumps(body).encode())


@pytest.mark.parametrize("name", HOSTILE_VALUES)
async def test_a_hostile_value_in_any_row_field_is_stored(name: str, sender: WebhookSender) -> None:
    for number, field in enumerate(OBJECT_FIELDS):
        body = sender.row(1, id=f"r{number}") | {field: HOSTILE_VALUES[name]}
        await sender.send_and_verify_stored(json.dumps(body).encode())


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
async def test_calendar_limits_are_stored_in_any_zone(
    instant: str, zone: str, create_sender: Any
) -> None:
    sender = await create_sender(timeZone=zone)
    body = sender.envelope(reservationDateTime=instant)
    await sender.send_and_verify_stored(json.dumps(body).encode())


@pytest.mark.parametrize(
    "name", ["a.b", "`", "__proto__", "", "\x00", "$where", "\ud800", "x" * 2048]
)
async def test_an_unknown_field_by_any_name_is_ignored(name: str, sender: WebhookSender) -> None:
    body = sender.row(1) | {name: {name: [1]}}
    assert await sender.send_and_verify_stored(json.dumps(body).encode()) == "created"


@pytest.mark.parametrize("id_", ["x" * 2048, "a/b/c", "..", ".", "__x__", "", "\x00", "\ud800"])
async def test_an_envelopes_id_may_be_anything(id_: str, sender: WebhookSender) -> None:
    body = sender.envelope() | {"id": id_}
    assert await sender.send_and_verify_stored(json.dumps(body).encode()) == "created"
    assert await sender.send_and_verify_stored(json.dumps(body).encode()) == "duplicate"


async def test_a_huge_number_is_refused_without_being_computed(sender: WebhookSender) -> None:
    raw = json.dumps(sender.envelope()).replace('"partySize": 4', f'"partySize": {"9" * 200_000}')
    assert await sender.send_and_verify_stored(raw.encode()) == "quarantined"


@pytest.mark.parametrize("depth", [50, 400, *range(780, 1000, 5)])
async def test_any_nesting_depth_is_400_or_stored(depth: int, sender: WebhookSender) -> None:
    body = json.dumps(sender.envelope() | {"id": None})
    raw = body.replace("{", '{"deep": ' + "[" * depth + "]" * depth + ", ", 1).encode()
    response = await sender.send(raw)
    assert response_status(response) in {(200, "created"), (400, "invalid_json")}


async def test_ids_that_differ_only_in_case_are_two_reservations(sender: WebhookSender) -> None:
    for id_ in ("abc", "ABC"):
        body = sender.envelope(reservationId=id_) | {"id": f"e-{id_}"}
        assert await sender.send_and_verify_stored(json.dumps(body).encode()) == "created"


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook_id": "x" * 2048},
        {"webhook_id": "a.b"},
        {"webhook_timestamp": "9" * 40},
        {"webhook_timestamp": "-1"},
        {"webhook_timestamp": "1e9"},
        {"webhook_signature": "v1," + "A" * 8192},
        {"webhook_signature": " ".join(["v1,!!!"] * 100)},
        {"webhook_signature": ","},
    ],
    ids=lambda headers: next(iter(headers.values()))[:9],
)
async def test_hostile_signature_headers_are_refused(
    headers: dict[str, str], sender: WebhookSender
) -> None:
    response = await sender.send(sender.envelope(), **headers)
    assert response_status(response) == (401, "unauthenticated")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)

DATA = st.sampled_from(sorted(envelope_body()["data"])) | st.text(max_size=9)

FIELDS = st.sampled_from(
    sorted(row_body(1).keys() | {"guest_id", "confirmation_id", "table_number"})
)

envelope_field_names = st.sampled_from(["eventType", "id", "timestamp"])

over_http = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # all examples share a restaurant
)

numbers = itertools.count()


@over_http
@given(
    data=st.dictionaries(DATA, JSON, max_size=4),
    around=st.dictionaries(envelope_field_names, JSON, max_size=2),
)
async def test_any_envelope_is_stored(
    sender: WebhookSender, data: dict[str, Any], around: dict[str, Any]
) -> None:
    ids = {"restaurantId": sender.restaurant.id}
    complete = {"reservationId": f"h{next(numbers)}"} | data | ids
    await sender.send_and_verify_stored(
        json.dumps(sender.envelope() | {"data": complete} | around).encode()
    )


@over_http
@given(fields=st.dictionaries(FIELDS | st.text(max_size=9), JSON, max_size=5))
async def test_any_row_is_stored(sender: WebhookSender, fields: dict[str, Any]) -> None:
    ids = {"rid": int(sender.restaurant.rid)}
    await sender.send_and_verify_stored(
        json.dumps(sender.row(1, id=f"h{next(numbers)}") | fields | ids).encode()
    )
