"""How long a ``Retry-After`` header asks to wait (RFC 9110, section 10.2.3)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 86_400.0
"""The longest wait told, in seconds: a longer one says "not today" just as well."""

_SECONDS = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def retry_after_seconds(value: str | None, date: str | None, now: datetime) -> float | None:
    """Return the seconds to wait, from 0 to `LONGEST_WAIT`, or None where nothing usable is said.

    Args:
        value: The ``Retry-After`` header: seconds or an HTTP date. Any text is allowed; a
            negative or past time is 0.
        date: The answer's ``Date`` header, so that a date is read by the clock that wrote it.
        now: Our own time, aware, for an answer without a usable ``Date``.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return _bounded(float(text))
    until = _http_date(text)
    if until is None:
        return None
    return _bounded((until - (_http_date(date or "") or now)).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        # "-0000" parses as a naive time; the RFC knows no date but UTC.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)
