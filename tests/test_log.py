"""Every log line is one JSON object for Cloud Logging.

docs/logs.md lists every log event with all its fields.
"""

import ast
import functools
import inspect
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextvars import copy_context
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shared import log
from shared.log import REQUEST_FIELDS, LogEvent, Severity, log_event
from tests.test_codes import calls_of

CapturedOutput = pytest.CaptureFixture[str]


def read_line(capsys: CapturedOutput) -> dict[str, Any]:
    [line] = capsys.readouterr().out.splitlines()
    return dict(json.loads(line))


def test_a_line_is_one_json_object(capsys: CapturedOutput) -> None:
    log_event(Severity.ERROR, LogEvent.INTERNAL_ERROR, where="a\nb")
    event = {"message": "internal_error", "event": "internal_error"}
    assert read_line(capsys) == {"severity": "ERROR", **event, "where": "a\nb"}


def test_what_is_unknown_is_left_out(capsys: CapturedOutput) -> None:
    log_event(Severity.INFO, LogEvent.WEBHOOK, reason=None, outcome="created")
    assert read_line(capsys).keys() == {"severity", "message", "event", "outcome"}


def test_a_line_carries_its_requests_trace(capsys: CapturedOutput) -> None:
    trace = {"logging.googleapis.com/trace": "projects/p/traces/abc"}
    context = copy_context()
    context.run(REQUEST_FIELDS.set, trace)
    context.run(log_event, Severity.INFO, LogEvent.WEBHOOK)
    assert read_line(capsys).items() >= trace.items()


def test_a_text_that_utf_8_cannot_write_is_still_a_line(capsys: CapturedOutput) -> None:
    log_event(Severity.INFO, LogEvent.WEBHOOK, reason="\ud800")
    assert read_line(capsys)["reason"] == "\ud800"


ROOT = Path(__file__).parents[1]


def table_rows(heading: str) -> list[list[str]]:
    """Return the cells of the table in a section of docs/logs.md."""
    page = (ROOT / "docs" / "logs.md").read_text()
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line[:3] == "| `"]


def documented_log_fields() -> dict[str, set[str]]:
    """Return the documented fields by event."""
    return {
        event.strip("`"): set(re.findall(r"`(\w+)`", fields))
        for event, _, _, fields in table_rows("Events")
    }


def calls() -> Iterator[ast.Call]:
    return calls_of("log_event")


@functools.cache
def logged_fields() -> dict[str, set[str]]:
    """Return the logged fields by event, from the code."""
    found: dict[str, set[str]] = defaultdict(set)
    for call in calls():
        event = call.args[1]
        assert isinstance(event, ast.Attribute)
        found[LogEvent[event.attr].value] |= {named.arg for named in call.keywords if named.arg}
    return dict(found)


def test_every_event_is_documented_and_no_other() -> None:
    assert documented_log_fields().keys() == {event.value for event in LogEvent}


def test_every_event_is_logged_somewhere() -> None:
    assert logged_fields().keys() == {event.value for event in LogEvent}


@pytest.mark.parametrize("event", LogEvent)
def test_every_field_of_an_event_is_documented(event: LogEvent) -> None:
    assert logged_fields()[event.value] <= documented_log_fields()[event.value]


def test_every_documented_field_is_explained_and_no_other() -> None:
    explained = [name.strip("`") for name, _ in table_rows("Fields")]
    assert explained == sorted(set[str]().union(*documented_log_fields().values()))


def test_every_event_has_a_documented_meaning() -> None:
    [kind] = ast.parse(inspect.getsource(log.LogEvent)).body
    assert isinstance(kind, ast.ClassDef)
    documented = [
        node
        for node, then in pairwise(kind.body)
        if isinstance(node, ast.Assign) and isinstance(then, ast.Expr)
    ]
    assert len(documented) == len(LogEvent)
