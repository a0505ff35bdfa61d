import gzip
import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPResponse

from shared.edge.opentable.body import (
    MAX_RESPONSE_BODY_BYTES,
    UnreadableBodyError,
    parse_response_object,
    read_response_body,
)
from shared.edge.opentable.clock import Deadline
from tests.edge.opentable.scripted import FakeMonotonicClock, SlowBody


def arriving(body: bytes) -> HTTPResponse:
    return HTTPResponse(BytesIO(body), preload_content=False)


def test_a_plain_body_is_read_whole(deadline: Deadline) -> None:
    assert read_response_body(arriving(b"x" * 200_000), None, deadline) == b"x" * 200_000


def test_gzip_is_unpacked(deadline: Deadline) -> None:
    body = bytes(range(256)) * 2_000
    assert read_response_body(arriving(gzip.compress(body)), "gzip", deadline) == body


def test_a_cut_gzip_body_is_unreadable(deadline: Deadline) -> None:
    with pytest.raises(UnreadableBodyError, match="middle"):
        read_response_body(arriving(gzip.compress(b"{}" * 500)[:-12]), "gzip", deadline)


def test_a_body_that_is_no_gzip_is_unreadable(deadline: Deadline) -> None:
    with pytest.raises(UnreadableBodyError, match="gzip"):
        read_response_body(arriving(b"<html>"), "gzip", deadline)


def test_an_unrequested_encoding_is_unreadable(deadline: Deadline) -> None:
    with pytest.raises(UnreadableBodyError, match="not asked for"):
        read_response_body(arriving(zlib.compress(b"{}")), "deflate", deadline)


def test_a_small_response_cannot_decompress_above_the_limit(deadline: Deadline) -> None:
    bomb = gzip.compress(bytes(MAX_RESPONSE_BODY_BYTES + 1))
    assert len(bomb) < 100_000
    with pytest.raises(UnreadableBodyError, match="larger"):
        read_response_body(arriving(bomb), "gzip", deadline)


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_drip_ends_at_the_deadline(fake_clock: FakeMonotonicClock, encoding: str | None) -> None:
    drip = SlowBody(fake_clock, seconds=1)
    with pytest.raises(UnreadableBodyError):
        read_response_body(drip, encoding, Deadline.after(5, fake_clock.clock))
    assert drip.reads <= 5


@pytest.mark.parametrize(
    "body",
    [b"", b'{"a": 1', b"<html></html>", b"\xff", b'{"a": NaN}', b"[" * 100_000, b"9" * 5_000],
)
def test_what_is_not_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError, match="not JSON"):
        parse_response_object(body)


def test_json_that_is_no_object_is_unreadable() -> None:
    with pytest.raises(UnreadableBodyError, match="object"):
        parse_response_object(b"[]")


@given(st.binary())
def test_any_bytes_are_an_object_or_unreadable(body: bytes) -> None:
    with suppress(UnreadableBodyError):
        assert isinstance(parse_response_object(body), dict)
