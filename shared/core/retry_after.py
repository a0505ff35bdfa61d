"""How long a ``Retry-After`` header asks to wait (RFC 9110, section 10.2.3)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_SECONDS = 86_400.0
"""The longest wait told, in seconds: a longer one says "not today" just as well."""

_SECONDS_PATTERN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def parse_retry_after(
    retry_after: str | None, date_header: str | None, now: datetime
) -> float | None:
    """Return the seconds to wait, at most `MAX_RETRY_AFTER_SECONDS`, or None.

    Args:
        retry_after: The ``Retry-After`` header: seconds or an HTTP date. Any text is allowed; a
            negative or past time is 0.
        date_header: The answer's ``Date`` header, so that a date is read by the clock that wrote
            it.
        now: Our own time, aware, for an answer without a usable ``Date``.
    """
    text = (retry_after or "").strip()
    if _SECONDS_PATTERN.fullmatch(text):
        return _clamp_wait(float(text))
    until = _parse_http_date(text)
    if until is None:
        return None
    return _clamp_wait((until - (_parse_http_date(date_header or "") or now)).total_seconds())


def _parse_http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        # "-0000" parses as a naive time; the RFC knows no date but UTC.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _clamp_wait(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
