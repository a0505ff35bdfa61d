"""What a line of the feed says: log lines and the scheduler's answers, put into words.

Nothing is added to what the bundle logs, so nothing personal can get here that is not in its log.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dev.demo import RESTAURANT_ID
from dev.scheduler import Answer

_OK = 200
_WORDS = ("status", "outcome", "reason")
_ENVELOPE = {"severity", "message", "event", "logging.googleapis.com/trace", *_WORDS}
_FOR_THE_LOG_ALONE = {"durationMs", "pages", "reportId"}
# A line must fit a terminal, so of what is rarely more than none only the more is told.
_RARE = {"stale", "quarantined", "newDivergences", "keyPosition"}
_REPAIRS = ("created", "updated", "cancelled")
_TROUBLE = re.compile(r"\b(ERROR|CRITICAL|Traceback)\b|(Error|Exception):")


class Level(StrEnum):
    """How much an entry stands out."""

    PLAIN = "plain"
    REPAIR = "repair"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event.

    Attributes:
        what: Its kind in a word or two.
        text: What is to be said of it.
        level: How much it stands out.
    """

    what: str
    text: str
    level: Level = Level.PLAIN


def entry_of_line(source: str, line: str) -> Entry:
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
        return Entry(str(fields["event"]), _words(fields), _level(fields))
    return Entry(source, line, Level.ERROR if _TROUBLE.search(line) else Level.PLAIN)


def entry_of_answer(job: str, answer: Answer) -> Entry | None:
    """Read the answer to one of the scheduler's calls.

    Args:
        job: The job's name.
        answer: What came of the call.

    Returns:
        None where each restaurant's log line has told it already.
    """
    if answer.status == 0:
        return Entry(job, "no answer", Level.ERROR)
    if answer.status != _OK:
        return Entry(job, f"answered {answer.status}", Level.ERROR)
    if isinstance(answer.body, dict) and answer.body.get("restaurants"):
        return None
    return Entry(job, "no restaurant has the integration enabled", Level.WARNING)


def _words(fields: Mapping[str, object]) -> str:
    """Say the outcome first, then the counts in columns, then the rest."""
    leading = [f"{fields[name]!s:<9}" for name in _WORDS if name in fields]
    rest = {
        name: value
        for name, value in fields.items()
        if name not in _ENVELOPE | _FOR_THE_LOG_ALONE
        and not (name in _RARE and value == 0)
        and (name, value) != ("restaurantId", RESTAURANT_ID)
    }
    counts = [f"{name} {value:<3}" for name, value in rest.items() if isinstance(value, int)]
    others = [f"{name} {value}" for name, value in rest.items() if not isinstance(value, int)]
    return "  ".join([*leading, *counts, *others]).rstrip()


def _level(fields: Mapping[str, object]) -> Level:
    severity = fields.get("severity")
    if severity in {"ERROR", "CRITICAL"}:
        return Level.ERROR
    if severity == "WARNING":
        return Level.WARNING
    return Level.REPAIR if any(fields.get(name) for name in _REPAIRS) else Level.PLAIN
