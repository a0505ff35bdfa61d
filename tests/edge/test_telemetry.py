"""Every line is one JSON object that Cloud Logging understands."""

import json

import pytest

from shared.edge.telemetry import CURRENT_TRACE, LogEvent, Severity, log_event

CapturedOutput = pytest.CaptureFixture[str]


def test_a_line_is_one_json_object(capsys: CapturedOutput) -> None:
    log_event(Severity.ERROR, LogEvent.INTERNAL_ERROR, where="a\nb")
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "severity": "ERROR",
        "message": "internal_error",
        "event": "internal_error",
        "where": "a\nb",
    }


def test_what_is_unknown_is_left_out(capsys: CapturedOutput) -> None:
    log_event(Severity.INFO, LogEvent.WEBHOOK, reason=None, outcome="created")
    assert json.loads(capsys.readouterr().out).keys() == {
        "severity",
        "message",
        "event",
        "outcome",
    }


def test_a_line_carries_its_requests_trace(capsys: CapturedOutput) -> None:
    token = CURRENT_TRACE.set("projects/p/traces/abc")
    try:
        log_event(Severity.INFO, LogEvent.WEBHOOK)
    finally:
        CURRENT_TRACE.reset(token)
    line = json.loads(capsys.readouterr().out)
    assert line["logging.googleapis.com/trace"] == "projects/p/traces/abc"


def test_a_text_that_utf_8_cannot_write_is_still_a_line(capsys: CapturedOutput) -> None:
    log_event(Severity.INFO, LogEvent.WEBHOOK, reason="\ud800")
    assert json.loads(capsys.readouterr().out)["reason"] == "\ud800"
