"""Read headers of HTTP messages: content codings, entity tags, and the trace of a request.

Any caller can send these headers, so a value that does not have the specified form is ignored.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

# RFC 9110, section 8.4.1.3: "x-gzip" is equivalent to "gzip".
_CODING_ALIASES = {"x-gzip": "gzip"}

# W3C Trace Context, section 3.2. Version 00 has exactly four fields; a later one may have more.
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?",
    re.ASCII,
)
# Google's older header: TRACE_ID/SPAN_ID;o=OPTIONS, with a decimal span id.
_CLOUD_TRACE_CONTEXT = re.compile(
    r"(?P<trace>[0-9a-fA-F]{32})(/(?P<span>[0-9]{1,20}))?(;o=(?P<options>[0-9]))?", re.ASCII
)
_MAX_SPAN_ID = 2**64 - 1
_ZERO_TRACE_ID = "0" * 32
_ZERO_SPAN_ID = "0" * 16


def list_content_codings(header_values: Iterable[str]) -> list[str]:
    """Return the applied codings in lower case, in the order in which they were applied.

    Empty elements and ``identity`` mean that no coding was applied (RFC 9110, section 8.4). They
    are left out.

    Args:
        header_values: The ``Content-Encoding`` lines of a message, none if it has no such header.
    """
    names = [name.strip(" \t").lower() for value in header_values for name in value.split(",")]
    return [_CODING_ALIASES.get(name, name) for name in names if name not in {"", "identity"}]


def list_entity_tags(header: str) -> list[str]:
    """Return the tags of an ``If-Match`` or ``If-None-Match`` header, quoted and without ``W/``.

    A proxy that compresses a response makes its tag a weak one.
    """
    return [tag.strip(" \t").removeprefix("W/") for tag in header.split(",")]


class RequestTrace(Struct, frozen=True):
    """The position of a request in a trace.

    Attributes:
        trace_id: 32 hex digits in lower case.
        span_id: 16 hex digits in lower case, None if unknown.
    """

    trace_id: str
    span_id: str | None = None
    is_sampled: bool = False


def parse_request_trace(traceparent: str, cloud_trace_context: str) -> RequestTrace | None:
    """Return the trace of a request, None without a valid header.

    Args:
        traceparent: The W3C header. It comes first: Cloud Run sends both.
        cloud_trace_context: The header ``X-Cloud-Trace-Context``.
    """
    return _parse_traceparent(traceparent.strip()) or _parse_cloud_trace_context(
        cloud_trace_context.strip()
    )


def _parse_traceparent(header: str) -> RequestTrace | None:
    match = _TRACEPARENT.fullmatch(header)
    if match is None or (match["version"] == "00" and match["rest"] is not None):
        return None
    if match["trace"] == _ZERO_TRACE_ID or match["span"] == _ZERO_SPAN_ID:
        return None
    return RequestTrace(match["trace"], match["span"], bool(int(match["flags"], 16) & 1))


def _parse_cloud_trace_context(header: str) -> RequestTrace | None:
    match = _CLOUD_TRACE_CONTEXT.fullmatch(header)
    if match is None or match["trace"] == _ZERO_TRACE_ID:
        return None
    span_id = int(match["span"] or 0)
    if span_id > _MAX_SPAN_ID:
        return None
    # Cloud Logging expects the span id in hex, as the W3C header has it.
    span = f"{span_id:016x}" if span_id else None
    return RequestTrace(match["trace"].lower(), span, match["options"] == "1")
