"""A bug is logged with a stack trace that Error Reporting reads and that quotes no value."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from shared.errors import InvalidEventError, ServiceUnavailableError
from shared.log import log_internal_error
from tests.support.stack_traces import parse_stack_trace

LogLine = Callable[[BaseException], dict[str, Any]]
PERSON = "Zoë Marked"


@pytest.fixture
def log_line(capsys: pytest.CaptureFixture[str]) -> LogLine:
    """Return a function that logs an error and returns its only line."""

    def log(error: BaseException) -> dict[str, Any]:
        log_internal_error(error)
        [line] = capsys.readouterr().out.splitlines()
        return dict(json.loads(line))

    return log


def catch(function: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 -- the caller chose the error
        function()
    return caught.value


def look_up_guest() -> object:
    return dict[str, object]()[PERSON]


def translate_error() -> None:
    try:
        look_up_guest()
    except KeyError as error:
        raise ServiceUnavailableError(PERSON) from error


def fail_while_handling() -> None:
    try:
        look_up_guest()
    except KeyError:
        raise InvalidEventError(PERSON, PERSON)  # noqa: B904 -- the implicit context is the subject


def hide_cause() -> None:
    try:
        look_up_guest()
    except KeyError:
        raise ServiceUnavailableError(PERSON) from None


def recurse() -> None:
    recurse()


def test_a_stack_trace_has_the_form_of_pythons(log_line: LogLine) -> None:
    [trace] = parse_stack_trace(log_line(catch(look_up_guest))["stack_trace"])
    assert trace.error == "KeyError"
    assert (trace.frames[-1].file, trace.frames[-1].function) == (__file__, "look_up_guest")
    assert trace.frames[-1].line == look_up_guest.__code__.co_firstlineno + 1


def test_a_line_names_the_error_and_its_deepest_frame(log_line: LogLine) -> None:
    line = log_line(catch(look_up_guest))
    assert (line["severity"], line["error"]) == ("ERROR", "KeyError")
    assert line["where"] == f"{__file__}:{look_up_guest.__code__.co_firstlineno + 1}"


def test_the_line_of_an_error_names_its_restaurant(capsys: pytest.CaptureFixture[str]) -> None:
    log_internal_error(catch(look_up_guest), "restaurant-1")
    assert json.loads(capsys.readouterr().out)["restaurantId"] == "restaurant-1"


@pytest.mark.parametrize(
    "function,errors",
    [
        (translate_error, ["KeyError", "shared.errors.ServiceUnavailableError"]),
        (fail_while_handling, ["KeyError", "shared.errors.InvalidEventError"]),
        (hide_cause, ["shared.errors.ServiceUnavailableError"]),
    ],
)
def test_the_causes_of_an_error_come_first_each_with_its_full_name(
    log_line: LogLine, function: Callable[[], object], errors: list[str]
) -> None:
    traces = parse_stack_trace(log_line(catch(function))["stack_trace"])
    assert [trace.error for trace in traces] == errors


@pytest.mark.parametrize("function", [look_up_guest, translate_error, fail_while_handling])
def test_no_line_of_a_stack_trace_has_a_value_or_source_code(
    log_line: LogLine, function: Callable[[], object]
) -> None:
    line = log_line(catch(function))
    assert "Marked" not in json.dumps(line, ensure_ascii=False)
    assert "PERSON" not in line["stack_trace"]


def test_the_stack_trace_of_a_recursion_has_only_the_newest_frames(log_line: LogLine) -> None:
    [trace] = parse_stack_trace(log_line(catch(recurse))["stack_trace"])
    assert trace.error == "RecursionError"
    assert [frame.function for frame in trace.frames] == ["recurse"] * 50


def test_the_causes_of_an_error_are_bounded(log_line: LogLine) -> None:
    errors = [KeyError() for _ in range(7)]
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    assert log_line(errors[0])["stack_trace"].count("KeyError") == 5


def test_causes_that_form_a_circle_are_logged_once_each(log_line: LogLine) -> None:
    first, second = KeyError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    traces = re.findall(r"^(KeyError|ValueError)$", log_line(first)["stack_trace"], re.MULTILINE)
    assert traces == ["ValueError", "KeyError"]


def test_an_error_without_a_trace_is_logged(log_line: LogLine) -> None:
    line = log_line(ValueError())
    assert (line["where"], line["stack_trace"].splitlines()[-1]) == ("", "ValueError")


def test_an_internal_error_is_an_event_of_error_reporting(
    log_line: LogLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K_SERVICE", "opentable-poll")
    monkeypatch.setenv("K_REVISION", "opentable-poll-00007-abc")
    line = log_line(catch(look_up_guest))
    assert line["@type"].endswith(".clouderrorreporting.v1beta1.ReportedErrorEvent")
    revision = {"service": "opentable-poll", "version": "opentable-poll-00007-abc"}
    assert line["serviceContext"] == revision
