"""The live log describes each event in one line and highlights failures."""

import io
import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dev.local.live_log import (
    LiveLog,
    LiveLogEntry,
    LiveLogLevel,
    describe_job_response,
    parse_log_line,
)
from dev.local.scheduler import JobResponse

NOW = datetime(2026, 3, 14, 12, 30, 44, tzinfo=UTC)
SIMULATED = datetime(2026, 3, 14, 23, 15, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
POLLED: dict[str, Any] = {
    "restaurantId": "restaurant-123",
    "status": "ok",
    "fetched": 3,
    "created": 0,
}


def build_log_line(event: str = "poll", **fields: object) -> str:
    return json.dumps({"severity": "INFO", "message": event, "event": event, **fields})


def parse_line(line: str) -> LiveLogEntry:
    return parse_log_line("gateway", line)


def parse_event(event: str = "poll", **fields: object) -> LiveLogEntry:
    return parse_line(build_log_line(event, **fields))


def printed(line: str, simulated: datetime | None = SIMULATED, *, colour: bool = False) -> str:
    out = io.StringIO()
    feed = LiveLog(out, lambda: NOW, lambda: simulated, NEW_YORK, has_color=colour)
    feed.build_line_handler("gateway")(line)
    return out.getvalue()


def test_a_log_line_is_named_after_its_event() -> None:
    assert parse_event("webhook", outcome="created").event == "webhook"


def test_a_webhooks_outcome_comes_first() -> None:
    entry = parse_event("webhook", eventId="seq-7", outcome="created")
    assert entry.text.split() == ["created"]


def test_what_a_poll_did_is_counted_out() -> None:
    words = parse_event(**POLLED).text.split()
    assert words == ["restaurant-123", "ok", "fetched", "3", "created", "0"]


def test_lines_of_one_kind_are_aligned() -> None:
    one = parse_event(status="ok", fetched=3, created=0)
    other = parse_event(status="error", fetched=210, created=0)
    assert one.text.index("created") == other.text.index("created")


@pytest.mark.parametrize("field", ["stale", "quarantined"])
def test_rare_counts_are_printed_only_if_not_zero(field: str) -> None:
    texts = [parse_event(**POLLED | {field: count}).text for count in (0, 2)]
    assert [field in text for text in texts] == [False, True]


def test_another_restaurant_than_the_demos_is_named() -> None:
    assert "restaurant-9" in parse_event(**POLLED | {"restaurantId": "restaurant-9"}).text


@pytest.mark.parametrize("field", ["created", "updated", "cancelled"])
def test_a_repair_stands_out(field: str) -> None:
    assert parse_event(**POLLED | {field: 2}).level is LiveLogLevel.REPAIR


def test_a_poll_that_changed_nothing_is_plain() -> None:
    assert parse_event(**POLLED).level is LiveLogLevel.PLAIN


@pytest.mark.parametrize(
    "severity, level", [("WARNING", LiveLogLevel.WARNING), ("ERROR", LiveLogLevel.ERROR)]
)
def test_a_severity_outranks_a_repair(severity: str, level: LiveLogLevel) -> None:
    assert parse_event(severity=severity, created=2).level is level


def test_an_unknown_event_is_printed_completely() -> None:
    assert parse_event("moon.rose", phase="full") == LiveLogEntry("moon.rose", "phase full")


@pytest.mark.parametrize("line", ["hello", "{}", "[1]", "null", '{"event"', ""])
def test_a_line_that_is_no_log_line_is_shown_as_it_is(line: str) -> None:
    assert parse_line(line) == LiveLogEntry("gateway", line)


@pytest.mark.parametrize(
    "line", ["Traceback (most recent call last):", "ERROR:    boom", "ValueError: no"]
)
def test_a_crash_stands_out(line: str) -> None:
    assert parse_line(line).level is LiveLogLevel.ERROR


def test_a_logged_response_is_not_printed_twice() -> None:
    response = JobResponse(200, {"restaurants": 1, "results": [POLLED]})
    assert describe_job_response("poll", response) is None


@pytest.mark.parametrize(
    "answer, text",
    [(JobResponse(0, None), "no answer"), (JobResponse(503, {"restaurants": 1}), "answered 503")],
)
def test_a_call_that_failed_is_an_error(answer: JobResponse, text: str) -> None:
    assert describe_job_response("poll", answer) == LiveLogEntry("poll", text, LiveLogLevel.ERROR)


@pytest.mark.parametrize("body", [None, [], {}, {"restaurants": 0}])
def test_a_call_that_found_no_restaurant_is_a_warning(body: object) -> None:
    entry = describe_job_response("poll", JobResponse(200, body))
    assert entry is not None
    assert entry.level is LiveLogLevel.WARNING


def test_a_line_carries_the_real_and_the_simulated_time() -> None:
    assert printed("hello").split() == ["12:30:44", "Sat", "19:15", "gateway", "hello"]


def test_columns_are_aligned_before_the_first_service() -> None:
    assert printed("hello", None).index("gateway") == printed("hello").index("gateway")


def test_a_file_gets_no_colour() -> None:
    assert "\x1b" not in printed(build_log_line(severity="ERROR"))


def test_an_error_is_red_at_a_terminal() -> None:
    assert "\x1b[31mpoll" in printed(build_log_line(severity="ERROR"), colour=True)
