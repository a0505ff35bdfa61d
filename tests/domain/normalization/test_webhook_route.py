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

NAMES = ("eventType", "event_type", "data", "rid", "id", "other")
ids = st.sampled_from(["restaurant-1", "555001", 555001, 10**400, 5.0, True, "\ud800", "", None])
data = st.dictionaries(
    st.sampled_from(["restaurantId", "restaurant_id", "x"]), ids | json_values, max_size=3
)
bodies = st.dictionaries(st.sampled_from(NAMES), ids | data | json_values, max_size=6)


@pytest.mark.parametrize("name", ["eventType", "event_type"])
def test_an_event_type_with_data_is_an_envelope(name: str) -> None:
    assert detect_webhook_format({name: None, "data": None}) is WebhookFormat.ENVELOPE


def test_a_rid_with_an_id_is_opentables_object() -> None:
    assert detect_webhook_format({"rid": 1, "id": "a"}) is WebhookFormat.OPENTABLE_RESERVATION


def test_a_body_with_both_is_an_envelope() -> None:
    assert (
        detect_webhook_format({"rid": 1, "id": "a", "eventType": "x", "data": {}})
        is WebhookFormat.ENVELOPE
    )


@pytest.mark.parametrize("body", [{}, {"eventType": "x"}, {"data": {}}, {"rid": 1}, {"id": "a"}])
def test_any_other_body_is_neither(body: dict[str, object]) -> None:
    assert detect_webhook_format(body) is None


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


def test_an_envelope_names_its_restaurant() -> None:
    raw_body = b'{"eventType": "x", "data": {"restaurantId": "restaurant-1", "note": "\\ud800"}}'
    assert find_raw_route(raw_body) == WebhookRoute(WebhookFormat.ENVELOPE, "restaurant-1")


def test_an_object_names_its_rid() -> None:
    expected = WebhookRoute(WebhookFormat.OPENTABLE_RESERVATION, "555001")
    assert find_raw_route(b'{"rid": 555001, "id": "1"}') == expected


def test_an_escaped_name_is_found() -> None:
    expected = WebhookRoute(WebhookFormat.OPENTABLE_RESERVATION, "7")
    assert find_raw_route(b'{"\\u0072id": 7, "id": 1}') == expected


@pytest.mark.parametrize("raw_body", [b"{}", b'{"rid": 7}', b'{"eventType": "x", "id": 1}'])
def test_an_object_of_another_format_is_no_route(raw_body: bytes) -> None:
    assert find_raw_route(raw_body) is None


@pytest.mark.parametrize("data", [b"[]", b"null", b'"restaurant-1"'])
def test_an_envelope_without_a_map_of_data_is_no_route(data: bytes) -> None:
    assert find_raw_route(b'{"eventType": "x", "data": ' + data + b"}") is None


def test_data_of_any_depth_gives_its_route_or_invalid_json() -> None:
    for depth in range(1200):  # beyond the recursion limit, and every depth just below it
        nested = b'{"a":' * depth + b"1" + b"}" * depth
        raw_body = b'{"eventType": "x", "data": {"restaurantId": "r", "a": ' + nested + b"}}"
        with suppress(InvalidJsonError):
            assert find_raw_route(raw_body) == WebhookRoute(WebhookFormat.ENVELOPE, "r")


def test_an_id_that_is_not_utf8_is_no_route() -> None:
    assert find_raw_route(b'{"rid": "\xff", "id": 1}') is None


def test_an_id_of_a_kilobyte_is_no_route() -> None:
    assert find_raw_route(b'{"rid": "' + b"1" * 2000 + b'", "id": 1}') is None
