"""Reading an answer's body within bounds of size and time, and as JSON."""

import json
import zlib
from collections.abc import Iterator
from typing import NoReturn, Protocol

from shared.core.body import MAX_NESTING_DEPTH, is_nested_deeper, truncate_nesting
from shared.edge.opentable.clock import Deadline

MAX_RESPONSE_BODY_BYTES = 32 * 1024 * 1024
"""The largest body taken, after decompression."""

_CHUNK_BYTES = 64 * 1024
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


class UnreadableBodyError(ValueError):
    """A body is not what it should be; the text continues "OpenTable's answer …"."""


class BodyStream(Protocol):
    """What a body is read from; urllib3's responses are such."""

    def read1(self, amt: int, /, *, decode_content: bool) -> bytes | None:
        """Return up to ``amt`` bytes after one read of the socket at most."""


def read_response_body(stream: BodyStream, encoding: str | None, deadline: Deadline) -> bytes:
    """Return a whole body, decompressed.

    Args:
        stream: The open answer.
        encoding: Its ``Content-Encoding``.
        deadline: When to give up, however steadily bytes drip in.

    Raises:
        UnreadableBodyError: When the body is too large, too late, cut or wrongly encoded.
    """
    chunks = _read_chunks(stream, deadline)
    if (encoding or "identity").lower() == "gzip":
        chunks = _decompress_chunks(chunks)
    elif encoding:
        raise UnreadableBodyError("is encoded in a way that was not asked for")
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_RESPONSE_BODY_BYTES:
            raise UnreadableBodyError(f"is larger than {MAX_RESPONSE_BODY_BYTES} bytes")
    return bytes(body)


def parse_response_object(body: bytes) -> dict[str, object]:
    """Return the JSON object that a body holds.

    What is nested deeper than any field that is known, and too deep to be written as JSON again,
    is left out: one such row must not stop the others.

    Raises:
        UnreadableBodyError: When it holds anything else (HTML, half an object, a list, NaN).
    """
    try:
        value = json.loads(body, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise UnreadableBodyError("is not JSON") from None
    if not isinstance(value, dict):
        raise UnreadableBodyError("is not a JSON object")
    return (
        truncate_nesting(value, MAX_NESTING_DEPTH)
        if is_nested_deeper(value, MAX_NESTING_DEPTH)
        else value
    )


def _read_chunks(stream: BodyStream, deadline: Deadline) -> Iterator[bytes]:
    # read1, as read() would wait for a full chunk, and urllib3's own decoding for a full block:
    # neither comes back in time to look at the clock when bytes drip in.
    while chunk := stream.read1(_CHUNK_BYTES, decode_content=False):
        if not deadline.remaining():
            raise UnreadableBodyError("did not arrive in time")
        yield chunk


def _decompress_chunks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = zlib.decompressobj(_GZIP_WINDOW_BITS)
    try:
        for chunk in chunks:
            yield decoder.decompress(chunk, _CHUNK_BYTES)
            while decoder.unconsumed_tail:
                yield decoder.decompress(decoder.unconsumed_tail, _CHUNK_BYTES)
    except zlib.error:
        raise UnreadableBodyError("is not the gzip that it says it is") from None
    if not decoder.eof:
        raise UnreadableBodyError("ends in the middle")


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(constant)
