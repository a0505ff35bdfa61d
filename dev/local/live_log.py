"""Print a live log in the terminal, one line per event, from log lines and scheduler responses.

It adds nothing to the product's log, so it contains no personal data.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import TextIO
from zoneinfo import ZoneInfo

from dev.local.scheduler import JobResponse

_HTTP_OK = 200
_LEADING_FIELDS = ("status", "outcome", "reason")

# The fields that have a column of their own, and those that are not shown.
_OMITTED_FIELDS = {
    *("severity", "message", "event", "restaurantId", *_LEADING_FIELDS),
    *("durationMs", "pages", "reportId", "eventId", "hint"),
    *("@type", "serviceContext", "stack_trace"),
    *("logging.googleapis.com/trace", "logging.googleapis.com/spanId"),
    "logging.googleapis.com/trace_sampled",
}

# A line must fit the terminal: show a count only if it exceeds its usual value.
_FIELDS_HIDDEN_WHEN_ZERO = {"stale", "quarantined", "newDivergences", "credentialIndex"}
_CHANGE_COUNTERS = ("created", "updated", "cancelled")
_ERROR_PATTERN = re.compile(r"\b(ERROR|CRITICAL|Traceback)\b|(Error|Exception):")


class LiveLogLevel(StrEnum):
    """How much an entry stands out."""

    PLAIN = "plain"
    REPAIR = "repair"
    WARNING = "warning"
    ERROR = "error"


# ANSI codes.
_COLORS = {LiveLogLevel.REPAIR: 32, LiveLogLevel.WARNING: 33, LiveLogLevel.ERROR: 31}
_DIM = 2
_EVENT_WIDTH = 14
_UNKNOWN_TIME = " " * 9


@dataclass(frozen=True, slots=True)
class LiveLogEntry:
    """One line of the live log."""

    event: str
    text: str
    level: LiveLogLevel = LiveLogLevel.PLAIN


def parse_log_line(source: str, line: str) -> LiveLogEntry:
    """Parse a line of a process's output; `source` labels lines that are not JSON logs."""
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if isinstance(fields, dict) and "event" in fields:
        return LiveLogEntry(str(fields["event"]), _format_fields(fields), _classify_level(fields))
    level = LiveLogLevel.ERROR if _ERROR_PATTERN.search(line) else LiveLogLevel.PLAIN
    return LiveLogEntry(source, line, level)


def describe_job_response(job: str, response: JobResponse) -> LiveLogEntry | None:
    """Describe the response to a scheduled call; return None if log lines describe it already."""
    if response.status == 0:
        return LiveLogEntry(job, "no answer", LiveLogLevel.ERROR)
    if response.status != _HTTP_OK:
        return LiveLogEntry(job, f"answered {response.status}", LiveLogLevel.ERROR)
    if isinstance(response.body, dict) and response.body.get("restaurants"):
        return None
    return LiveLogEntry(job, "no restaurant has the integration enabled", LiveLogLevel.WARNING)


def _format_fields(fields: Mapping[str, object]) -> str:
    """Say the outcome first, then the counts in columns, then the rest."""
    restaurant_id = fields.get("restaurantId")
    leading = [f"{restaurant_id!s:<14}"] if restaurant_id else []
    leading += [f"{fields[name]!s:<9}" for name in _LEADING_FIELDS if name in fields]
    rest = {
        name: value
        for name, value in fields.items()
        if name not in _OMITTED_FIELDS and not (name in _FIELDS_HIDDEN_WHEN_ZERO and value == 0)
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
    has_change = any(fields.get(name) for name in _CHANGE_COUNTERS)
    return LiveLogLevel.REPAIR if has_change else LiveLogLevel.PLAIN


@dataclass(slots=True)
class LiveLog:
    """Print entries with the real time and the restaurant's simulated time.

    Attributes:
        clock: The real time, in the developer's zone.
        simulated_clock: The sandbox's time; None before its first day.
        zone: The restaurant's zone.
    """

    out: TextIO
    clock: Callable[[], datetime]
    simulated_clock: Callable[[], datetime | None]
    zone: ZoneInfo
    has_color: bool
    _is_muted: bool = False
    # Children's readers and the scheduler's jobs all have threads of their own.
    _lock: Lock = field(default_factory=Lock)

    def print_header(self) -> None:
        """Print the columns' names."""
        self._print(self._colorize("real      simulated  event", _DIM))

    def build_line_handler(self, source: str) -> Callable[[str], None]:
        """Return a handler of a process's lines for `run_process`."""
        return lambda line: self._print_entry(parse_log_line(source, line))

    def show_job_response(self, job: str, response: JobResponse) -> None:
        """Print the response to a scheduled call if no log line describes it."""
        entry = describe_job_response(job, response)
        if entry is not None:
            self._print_entry(entry)

    def mute(self) -> None:
        """Print nothing more."""
        self._is_muted = True

    def _print_entry(self, entry: LiveLogEntry) -> None:
        simulated_at, simulated = self.simulated_clock(), _UNKNOWN_TIME
        if simulated_at:
            simulated = f"{simulated_at.astimezone(self.zone):%a %H:%M}"
        times = self._colorize(f"{self.clock():%H:%M:%S}  {simulated}", _DIM)
        message = f"{entry.event:<{_EVENT_WIDTH}}  {entry.text}".rstrip()
        self._print(f"{times}  {self._colorize(message, _COLORS.get(entry.level))}")

    def _colorize(self, text: str, code: int | None) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_color and code else text

    def _print(self, line: str) -> None:
        with self._lock:
            if not self._is_muted:
                print(line, file=self.out, flush=True)
