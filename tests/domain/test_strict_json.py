import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.http_messages import (
    MAX_NESTING_DEPTH,
    InvalidJsonError,
    is_nested_deeper,
    parse_strict_json,
    truncate_nesting,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(0, 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@given(st.dictionaries(st.text(), json_values))
def test_an_object_is_parsed_unchanged(value: dict[str, object]) -> None:
    assert parse_strict_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b"{'a': 1}"),
        *(
            b'{"a": 1, "a": 1}',
            b'{"b": {"a": 1, "a": 2}}',
            b'{"a": "\xff"}',
            b'\xef\xbb\xbf{"a": 1}',
        ),
        *(b'{"a": 1}{', b'{"a": 01}', b"\x00", '{"a": 1}'.encode("utf-16")),
    ],
)
def test_invalid_strict_json_is_rejected(body: bytes) -> None:
    with pytest.raises(InvalidJsonError, match="not JSON"):
        parse_strict_json(body)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"a"', b"1", b"true"])
def test_json_other_than_an_object_is_rejected(body: bytes) -> None:
    with pytest.raises(InvalidJsonError, match="not an object"):
        parse_strict_json(body)


def test_the_deepest_nesting_allowed_is_read() -> None:
    assert parse_strict_json(nested(MAX_NESTING_DEPTH))


@pytest.mark.parametrize(
    "body", [nested(MAX_NESTING_DEPTH + 1), b'{"a":' + b"[" * 64 + b"]" * 64 + b"}"]
)
def test_one_level_above_the_nesting_limit_is_rejected(body: bytes) -> None:
    with pytest.raises(InvalidJsonError, match="nested too deeply"):
        parse_strict_json(body)


def test_nesting_that_would_exhaust_the_stack_is_rejected() -> None:
    with pytest.raises(InvalidJsonError, match="not JSON"):
        parse_strict_json(nested(100_000))


@pytest.mark.parametrize("digits", ["9223372036854775807", "-9223372036854775808"])
def test_a_nineteen_digit_integer_stays_exact(digits: str) -> None:
    assert parse_strict_json(f'{{"a": {digits}}}'.encode()) == {"a": int(digits)}


@pytest.mark.parametrize("digits", ["9" * 20, "9" * 5000])
def test_a_longer_integer_is_rejected_without_parsing_it(digits: str) -> None:
    assert isinstance(parse_strict_json(f'{{"a": {digits}}}'.encode())["a"], float)


@given(st.binary())
def test_any_bytes_parse_to_an_object_or_are_rejected(body: bytes) -> None:
    with suppress(InvalidJsonError):
        assert isinstance(parse_strict_json(body), dict)


@given(json_values, st.integers(0, 4))
def test_a_shallow_value_is_returned_unchanged(value: object, max_depth: int) -> None:
    truncated = truncate_nesting(value, max_depth)
    assert not is_nested_deeper(truncated, max_depth)
    assert truncated == value or is_nested_deeper(value, max_depth)


def test_too_deep_values_become_null_and_others_are_unchanged() -> None:
    assert truncate_nesting({"a": [1, {"b": [2]}], "c": 3}, 2) == {"a": [1, None], "c": 3}


def test_a_repeated_key_is_named() -> None:
    with pytest.raises(InvalidJsonError) as raised:
        parse_strict_json(b'{"a": 1, "b": {"c": 1, "d": 2, "d": 2}}')
    assert raised.value.repeated_key == "d"
