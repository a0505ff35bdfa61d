"""Parse HTTP messages strictly: JSON bodies, content codings, entity tags, the trace of a request.

Anybody can send them. Bodies are bounded in their numbers and their depth, and a header without the
specified form is ignored.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

MAX_INTEGER_DIGITS = 19  # of the longest integer in Firestore
MAX_NESTING_DEPTH = 64  # far below the depth that exhausts the stack

# RFC 9110, section 8.4.1.3: "x-gzip" is equivalent to "gzip".
_CODING_ALIASES = {"x-gzip": "gzip"}

# W3C Trace Context, section 3.2. Version 00 has exactly four fields; a later one may have more.
# An id of zeros is invalid.
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})"
    r"-(?!0{16})(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?",
    re.ASCII,
)
# Google's older header: TRACE_ID/SPAN_ID;o=OPTIONS, with a decimal span id.
_CLOUD_TRACE_CONTEXT = re.compile(
    r"(?!0{32})(?P<trace>[0-9a-fA-F]{32})(/(?P<span>[0-9]{1,20}))?(;o=(?P<options>[0-9]))?",
    re.ASCII,
)
_MAX_SPAN_ID = 2**64 - 1


class InvalidJsonError(ValueError):
    """The body is not a JSON object in UTF-8.

    Args:
        repeated_key: The key that an object has twice, if that is the problem.
    """

    def __init__(self, problem: str, repeated_key: str | None = None) -> None:
        super().__init__(problem)
        self.repeated_key = repeated_key


def parse_strict_json(body: bytes) -> dict[str, Any]:
    """Parse a JSON object without ``NaN``, duplicate keys and invalid UTF-8.

    Raises:
        InvalidJsonError: The body is anything else, or nested deeper than `MAX_NESTING_DEPTH`.
    """
    try:
        parsed = json.loads(
            body.decode(),
            object_pairs_hook=_reject_duplicate_keys,
            parse_constant=reject_constant,
            parse_int=parse_bounded_integer,
        )
    except InvalidJsonError:
        raise
    except (ValueError, RecursionError):
        raise InvalidJsonError("not JSON") from None
    if not isinstance(parsed, dict):
        raise InvalidJsonError("not an object")
    if is_nested_deeper(parsed, MAX_NESTING_DEPTH):
        raise InvalidJsonError("nested too deeply")
    return parsed


def _reject_duplicate_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        (repeated_key, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise InvalidJsonError("not JSON: an object has a key twice", repeated_key)
    return parsed


def reject_constant(name: str) -> float:
    """Raise for ``NaN`` and the infinities: Python's parser accepts them, JSON does not."""
    raise ValueError(name)


def parse_bounded_integer(digits: str) -> int | float:
    """Parse an integer of JSON; one that Firestore cannot store becomes a float."""
    # Parsing a long integer takes quadratic time. As a float it is rejected at no cost.
    is_bounded = len(digits.removeprefix("-")) <= MAX_INTEGER_DIGITS
    return int(digits) if is_bounded else float(digits)


def is_nested_deeper(value: object, max_depth: int) -> bool:
    """Whether a JSON value has lists or objects more than `max_depth` levels below it."""
    level: list[object] = [value]
    # By level, not recursively: the value may be deep enough to exhaust the stack.
    for _ in range(max_depth):
        inner_level: list[object] = []
        for outer in level:
            if isinstance(outer, dict):
                inner_level += outer.values()
            elif isinstance(outer, list):
                inner_level += outer
        level = inner_level
    return any(isinstance(inner, dict | list) for inner in level)


def truncate_nesting(value: object, max_depth: int) -> Any:
    """Return a JSON value with null for each list or object at `max_depth` levels or deeper."""
    if not isinstance(value, dict | list):
        return value
    if not max_depth:
        return None
    if isinstance(value, dict):
        return {name: truncate_nesting(inner, max_depth - 1) for name, inner in value.items()}
    return [truncate_nesting(inner, max_depth - 1) for inner in value]


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
    return RequestTrace(match["trace"], match["span"], bool(int(match["flags"], 16) & 1))


def _parse_cloud_trace_context(header: str) -> RequestTrace | None:
    match = _CLOUD_TRACE_CONTEXT.fullmatch(header)
    if match is None:
        return None
    span_id = int(match["span"] or 0)
    if span_id > _MAX_SPAN_ID:
        return None
    # Cloud Logging expects the span id in hex, as the W3C header has it.
    span = f"{span_id:016x}" if span_id else None
    return RequestTrace(match["trace"].lower(), span, match["options"] == "1")
