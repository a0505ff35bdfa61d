"""Reading an answer's body within bounds of size and time, and as JSON."""

import json
import zlib
from collections.abc import Iterator
from typing import NoReturn, Protocol

from shared.core.body import MOST_NESTING, is_nested_deeper, shallow
from shared.edge.opentable.clock import Deadline

MOST_BYTES = 32 * 1024 * 1024
"""The largest body taken, after decompression."""

_CHUNK = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class UnreadableBodyError(ValueError):
    """A body is not what it should be; the text continues "OpenTable's answer …"."""


class Source(Protocol):
    """What a body is read from; urllib3's responses are such."""

    def read1(self, amt: int, /, *, decode_content: bool) -> bytes | None:
        """Return up to ``amt`` bytes after one read of the socket at most."""


def read_body(source: Source, encoding: str | None, deadline: Deadline) -> bytes:
    """Return a whole body, decompressed.

    Args:
        source: The open answer.
        encoding: Its ``Content-Encoding``.
        deadline: When to give up, however steadily bytes drip in.

    Raises:
        UnreadableBodyError: When the body is too large, too late, cut or wrongly encoded.
    """
    chunks = _arriving(source, deadline)
    if (encoding or "identity").lower() == "gzip":
        chunks = _unzipped(chunks)
    elif encoding:
        raise UnreadableBodyError("is encoded in a way that was not asked for")
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MOST_BYTES:
            raise UnreadableBodyError(f"is larger than {MOST_BYTES} bytes")
    return bytes(body)


def parse_object(body: bytes) -> dict[str, object]:
    """Return the JSON object that a body holds.

    What is nested deeper than any field that is known, and too deep to be written as JSON again,
    is left out: one such row must not stop the others.

    Raises:
        UnreadableBodyError: When it holds anything else (HTML, half an object, a list, NaN).
    """
    try:
        value = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UnreadableBodyError("is not JSON") from None
    if not isinstance(value, dict):
        raise UnreadableBodyError("is not a JSON object")
    return shallow(value, MOST_NESTING) if is_nested_deeper(value, MOST_NESTING) else value


def _arriving(source: Source, deadline: Deadline) -> Iterator[bytes]:
    # read1, as read() would wait for a full chunk, and urllib3's own decoding for a full block:
    # neither comes back in time to look at the clock when bytes drip in.
    while chunk := source.read1(_CHUNK, decode_content=False):
        if not deadline.remaining():
            raise UnreadableBodyError("did not arrive in time")
        yield chunk


def _unzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = zlib.decompressobj(_GZIP)
    try:
        for chunk in chunks:
            yield decoder.decompress(chunk, _CHUNK)
            while decoder.unconsumed_tail:
                yield decoder.decompress(decoder.unconsumed_tail, _CHUNK)
    except zlib.error:
        raise UnreadableBodyError("is not the gzip that it says it is") from None
    if not decoder.eof:
        raise UnreadableBodyError("ends in the middle")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
