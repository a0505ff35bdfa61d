"""Every line is one JSON object that Cloud Logging understands."""

import json

import pytest

from shared.edge.telemetry import TRACE, Event, Severity, log

Output = pytest.CaptureFixture[str]


def test_a_line_is_one_json_object(capsys: Output) -> None:
    log(Severity.ERROR, Event.CRASHED, where="a\nb")
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "severity": "ERROR",
        "message": "crashed",
        "event": "crashed",
        "where": "a\nb",
    }


def test_what_is_unknown_is_left_out(capsys: Output) -> None:
    log(Severity.INFO, Event.WEBHOOK, reason=None, outcome="created")
    assert json.loads(capsys.readouterr().out).keys() == {
        "severity",
        "message",
        "event",
        "outcome",
    }


def test_a_line_carries_its_requests_trace(capsys: Output) -> None:
    token = TRACE.set("projects/p/traces/abc")
    try:
        log(Severity.INFO, Event.WEBHOOK)
    finally:
        TRACE.reset(token)
    line = json.loads(capsys.readouterr().out)
    assert line["logging.googleapis.com/trace"] == "projects/p/traces/abc"


def test_a_text_that_utf_8_cannot_write_is_still_a_line(capsys: Output) -> None:
    log(Severity.INFO, Event.WEBHOOK, reason="\ud800")
    assert json.loads(capsys.readouterr().out)["reason"] == "\ud800"
