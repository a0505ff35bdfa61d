"""What a line of the feed says: log lines and the scheduler's answers, put into words.

Nothing is added to what the bundle logs, so nothing personal can get here that is not in its log.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dev.demo import DEMO_RESTAURANT_ID
from dev.scheduler import JobResponse

_HTTP_OK = 200
_LEADING_FIELDS = ("status", "outcome", "reason")
_FORMATTED_FIELDS = {
    "severity",
    "message",
    "event",
    "logging.googleapis.com/trace",
    *_LEADING_FIELDS,
}
_HIDDEN_FIELDS = {"durationMs", "pages", "reportId"}
# A line must fit a terminal, so of what is rarely more than none only the more is told.
_FIELDS_HIDDEN_WHEN_ZERO = {"stale", "quarantined", "newDivergences", "credentialIndex"}
_CHANGE_COUNTERS = ("created", "updated", "cancelled")
_ERROR_PATTERN = re.compile(r"\b(ERROR|CRITICAL|Traceback)\b|(Error|Exception):")


class LiveLogLevel(StrEnum):
    """How much an entry stands out."""

    PLAIN = "plain"
    REPAIR = "repair"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LiveLogEntry:
    """One event.

    Attributes:
        event: Its kind in a word or two.
        text: What is to be said of it.
        level: How much it stands out.
    """

    event: str
    text: str
    level: LiveLogLevel = LiveLogLevel.PLAIN


def parse_log_line(source: str, line: str) -> LiveLogEntry:
    """Read a line that a process wrote.

    Args:
        source: The process's name, for lines that are no log line of the bundle.
        line: Without its end.
    """
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if isinstance(fields, dict) and "event" in fields:
        return LiveLogEntry(str(fields["event"]), _format_fields(fields), _classify_level(fields))
    return LiveLogEntry(
        source, line, LiveLogLevel.ERROR if _ERROR_PATTERN.search(line) else LiveLogLevel.PLAIN
    )


def describe_job_response(job: str, response: JobResponse) -> LiveLogEntry | None:
    """Read the answer to one of the scheduler's calls.

    Args:
        job: The job's name.
        response: What came of the call.

    Returns:
        None where each restaurant's log line has told it already.
    """
    if response.status == 0:
        return LiveLogEntry(job, "no answer", LiveLogLevel.ERROR)
    if response.status != _HTTP_OK:
        return LiveLogEntry(job, f"answered {response.status}", LiveLogLevel.ERROR)
    if isinstance(response.body, dict) and response.body.get("restaurants"):
        return None
    return LiveLogEntry(job, "no restaurant has the integration enabled", LiveLogLevel.WARNING)


def _format_fields(fields: Mapping[str, object]) -> str:
    """Say the outcome first, then the counts in columns, then the rest."""
    leading = [f"{fields[name]!s:<9}" for name in _LEADING_FIELDS if name in fields]
    rest = {
        name: value
        for name, value in fields.items()
        if name not in _FORMATTED_FIELDS | _HIDDEN_FIELDS
        and not (name in _FIELDS_HIDDEN_WHEN_ZERO and value == 0)
        and (name, value) != ("restaurantId", DEMO_RESTAURANT_ID)
    }
    counts = [f"{name} {value:<3}" for name, value in rest.items() if isinstance(value, int)]
    others = [f"{name} {value}" for name, value in rest.items() if not isinstance(value, int)]
    return "  ".join([*leading, *counts, *others]).rstrip()


def _classify_level(fields: Mapping[str, object]) -> LiveLogLevel:
    severity = fields.get("severity")
    if severity in {"ERROR", "CRITICAL"}:
        return LiveLogLevel.ERROR
    if severity == "WARNING":
        return LiveLogLevel.WARNING
    return (
        LiveLogLevel.REPAIR
        if any(fields.get(name) for name in _CHANGE_COUNTERS)
        else LiveLogLevel.PLAIN
    )
