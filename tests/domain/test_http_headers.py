"""Headers are read in every form that their specifications allow, and in no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.http_messages import (
    RequestTrace,
    list_content_codings,
    list_entity_tags,
    parse_request_trace,
)

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"


@pytest.mark.parametrize(
    "flags,is_sampled",
    [("00", False), ("01", True), ("02", False), ("03", True), ("0a", False), ("1b", True)],
)
def test_a_traceparent_has_trace_span_and_sampling(flags: str, is_sampled: bool) -> None:
    parsed = parse_request_trace(f"00-{TRACE_ID}-{SPAN_ID}-{flags}", "")
    assert parsed == RequestTrace(TRACE_ID, SPAN_ID, is_sampled)


def test_a_traceparent_of_a_later_version_may_have_more_fields() -> None:
    parsed = parse_request_trace(f"01-{TRACE_ID}-{SPAN_ID}-01-what-comes-later", "")
    assert parsed == RequestTrace(TRACE_ID, SPAN_ID, is_sampled=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-01-more",
        f"00-{TRACE_ID.upper()}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID[:-1]}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-1",
        f"00-{TRACE_ID}-{SPAN_ID}",
        f"01-{TRACE_ID}-{SPAN_ID}-01.more",
        f'00-{TRACE_ID}-{SPAN_ID}-01", "severity": "ALERT',
        f"00-{'٤' * 32}-{SPAN_ID}-01",
    ],
)
def test_a_malformed_traceparent_is_ignored(header: str) -> None:
    assert parse_request_trace(header, "") is None


@pytest.mark.parametrize(
    "header,trace",
    [
        (TRACE_ID, RequestTrace(TRACE_ID)),
        (f"{TRACE_ID.upper()}/0;o=1", RequestTrace(TRACE_ID, None, is_sampled=True)),
        (f"{TRACE_ID}/67667974448284343;o=0", RequestTrace(TRACE_ID, SPAN_ID)),
        (f"{TRACE_ID}/18446744073709551615", RequestTrace(TRACE_ID, "f" * 16)),
    ],
)
def test_googles_header_has_a_decimal_span(header: str, trace: RequestTrace) -> None:
    assert parse_request_trace("", header) == trace


@pytest.mark.parametrize(
    "header",
    [
        "abc",
        "0" * 32,
        f"{TRACE_ID}/",
        f"{TRACE_ID}/x",
        f"{TRACE_ID}/18446744073709551616",
        f"{TRACE_ID}/{'0' * 20}1",
        f"{TRACE_ID}/{'1' * 5_000}",
        f"{TRACE_ID};o=x",
        f'{TRACE_ID}", "severity": "ALERT',
        f"projects/other/traces/{TRACE_ID}",
    ],
)
def test_another_form_of_googles_header_is_ignored(header: str) -> None:
    assert parse_request_trace("", header) is None


def test_space_around_a_trace_header_is_ignored() -> None:
    expected = RequestTrace(TRACE_ID, SPAN_ID, is_sampled=True)
    assert parse_request_trace(f" {TRACEPARENT}\t", "") == expected
    assert parse_request_trace("", f" {TRACE_ID}\t") == RequestTrace(TRACE_ID)


def test_the_w3c_header_comes_first() -> None:
    other = "1" * 32
    assert parse_request_trace(TRACEPARENT, other) == parse_request_trace(TRACEPARENT, "")
    assert parse_request_trace("malformed", other) == RequestTrace(other)


@given(st.text(), st.text())
def test_any_headers_are_read_or_ignored(traceparent: str, cloud_trace_context: str) -> None:
    trace = parse_request_trace(traceparent, cloud_trace_context)
    assert trace is None or len(trace.trace_id) == len(TRACE_ID)


@pytest.mark.parametrize(
    "header_values, codings",
    [
        ([], []),
        (["identity"], []),
        (["", " , identity"], []),
        (["X-GZIP"], ["gzip"]),
        (["identity, gzip", "br"], ["gzip", "br"]),
    ],
)
def test_codings_are_listed_in_their_order(header_values: list[str], codings: list[str]) -> None:
    assert list_content_codings(header_values) == codings


@pytest.mark.parametrize(
    "header,tags",
    [
        ("", [""]),
        ('"a"', ['"a"']),
        ('W/"a"', ['"a"']),
        ('"a" ,\tW/"b"', ['"a"', '"b"']),
        ('"W/a"', ['"W/a"']),
    ],
)
def test_strong_and_weak_entity_tags_are_listed_alike(header: str, tags: list[str]) -> None:
    assert list_entity_tags(header) == tags
