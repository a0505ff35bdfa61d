import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.http_messages import InvalidJsonError, parse_strict_json
from shared.domain.normalization.webhook_body import (
    WebhookFormat,
    WebhookRoute,
    detect_webhook_format,
    find_raw_route,
    find_route,
)
from tests.strategies.json_values import json_values

ENVELOPE, OBJECT = WebhookFormat.ENVELOPE, WebhookFormat.OPENTABLE_RESERVATION
NAMES = ("eventType", "event_type", "data", "rid", "id", "other")
ids = st.sampled_from(["restaurant-1", "555001", 555001, 10**400, 5.0, True, "\ud800", "", None])
data = st.dictionaries(
    st.sampled_from(["restaurantId", "restaurant_id", "x"]), ids | json_values, max_size=3
)
bodies = st.dictionaries(st.sampled_from(NAMES), ids | data | json_values, max_size=6)


@pytest.mark.parametrize(
    "body, webhook_format",
    [
        pytest.param({"eventType": None, "data": None}, ENVELOPE, id="envelope"),
        pytest.param({"event_type": None, "data": None}, ENVELOPE, id="envelope in snake case"),
        pytest.param({"rid": 1, "id": "a"}, OBJECT, id="object of OpenTable's"),
        pytest.param({"rid": 1, "id": "a", "eventType": "x", "data": {}}, ENVELOPE, id="both"),
        *(({name: {}}, None) for name in ("eventType", "data", "rid", "id", "other")),
    ],
)
def test_the_format_follows_from_the_keys(
    body: dict[str, Any], webhook_format: WebhookFormat | None
) -> None:
    assert detect_webhook_format(body) is webhook_format


@given(bodies)
def test_the_raw_route_is_that_of_the_parsed_body(body: dict[str, Any]) -> None:
    raw_body = json.dumps(body).encode()
    try:
        expected = find_route(parse_strict_json(raw_body))
    except InvalidJsonError:
        return  # NaN, for example
    assert find_raw_route(raw_body) == expected


fragments = st.lists(
    st.sampled_from([*'{}[]",:1', '"restaurantId":', '"a"', "\\ud800", "\\x", "\x00"]), max_size=8
).map("".join)


@given(
    st.binary(max_size=40)
    | st.text(max_size=40).map(lambda text: f'{{"rid":{text}}}'.encode())
    | fragments.map(lambda text: f'{{"eventType":"x","data":{{{text}}}}}'.encode())
)
def test_any_bytes_give_a_route_or_invalid_json(raw_body: bytes) -> None:
    with suppress(InvalidJsonError):
        find_raw_route(raw_body)


@pytest.mark.parametrize(
    "raw_body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{", id="unfinished object"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": 1} {}', id="two objects"),
        pytest.param(b"[" * 100_000, id="deep list"),
        pytest.param(b'{"a":' * 100_000, id="deep object"),
        pytest.param(b'{"a": "\\ud800"', id="lone surrogate"),
    ],
)
def test_what_is_no_json_object_is_invalid(raw_body: bytes) -> None:
    with pytest.raises(InvalidJsonError):
        find_raw_route(raw_body)


@pytest.mark.parametrize(
    "raw_body, route",
    [
        pytest.param(
            b'{"eventType": "x", "data": {"restaurantId": "restaurant-1", "note": "\\ud800"}}',
            WebhookRoute(ENVELOPE, "restaurant-1"),
            id="envelope",
        ),
        pytest.param(b'{"rid": 555001, "id": "1"}', WebhookRoute(OBJECT, "555001"), id="object"),
        pytest.param(b'{"\\u0072id": 7, "id": 1}', WebhookRoute(OBJECT, "7"), id="escaped name"),
    ],
)
def test_a_body_names_its_restaurant(raw_body: bytes, route: WebhookRoute) -> None:
    assert find_raw_route(raw_body) == route


@pytest.mark.parametrize(
    "raw_body",
    [
        *(b"{}", b'{"rid": 7}', b'{"eventType": "x", "id": 1}'),
        *(b'{"eventType": "x", "data": ' + data + b"}" for data in (b"[]", b"null", b'"r-1"')),
        b'{"rid": "\xff", "id": 1}',
        pytest.param(b'{"rid": "' + b"1" * 2000 + b'", "id": 1}', id="id of two kilobytes"),
    ],
)
def test_a_body_of_another_format_or_without_a_usable_id_is_no_route(raw_body: bytes) -> None:
    assert find_raw_route(raw_body) is None


def test_data_of_any_depth_gives_its_route_or_invalid_json() -> None:
    for depth in range(1200):  # beyond the recursion limit, and every depth just below it
        nested = b'{"a":' * depth + b"1" + b"}" * depth
        raw_body = b'{"eventType": "x", "data": {"restaurantId": "r", "a": ' + nested + b"}}"
        with suppress(InvalidJsonError):
            assert find_raw_route(raw_body) == WebhookRoute(ENVELOPE, "r")
