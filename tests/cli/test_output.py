"""The console separates messages from data, and asks only at a terminal."""

import asyncio
import json
import signal
import sys
from io import StringIO
from pathlib import Path

import pytest

from cli.output import CommandError, open_new_file, redirect_logs
from tests.cli.harness import build_console


@pytest.mark.parametrize(
    "as_json, out, errors", [(False, "a line\n", ""), (True, '{"a": "ä"}\n', "a line\n")]
)
def test_messages_and_the_json_object_have_separate_streams(
    as_json: bool,
    out: str,
    errors: str,
) -> None:
    console, written_out, written_errors = build_console(as_json=as_json)
    console.print_line("a line")
    console.write_result({"a": "ä"})
    assert (written_out.getvalue(), written_errors.getvalue()) == (out, errors)


@pytest.mark.parametrize("show_logs, errors", [(False, ""), (True, "a log line\n")])
def test_log_lines_are_written_to_stderr_only_on_request(
    show_logs: bool,
    errors: str,
) -> None:
    console, written_out, written_errors = build_console()
    with redirect_logs(console, show_logs=show_logs):
        sys.stdout.write("a log line\n")
    assert (written_out.getvalue(), written_errors.getvalue()) == ("", errors)


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_a_confirmation_at_a_terminal_continues(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(answer))
    build_console(is_terminal=True)[0].confirm("It changes.")


def test_no_confirmation_at_a_terminal_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("\n"))
    with pytest.raises(CommandError, match="Nothing was changed"):
        build_console(is_terminal=True)[0].confirm("It changes.")


def test_an_interrupt_before_a_prompt_ends_the_command() -> None:
    console = build_console(is_terminal=True)[0]

    async def prompt_after_interrupt() -> None:
        signal.raise_signal(signal.SIGINT)  # the handler of asyncio.run only cancels the task
        console.prompt("client id")

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(prompt_after_interrupt())


def test_no_prompt_is_shown_without_a_terminal() -> None:
    with pytest.raises(CommandError, match="--yes"):
        build_console()[0].confirm("It changes.")


def test_the_yes_option_skips_the_prompt() -> None:
    console, out, errors = build_console(assume_yes=True)
    console.confirm("It changes.")
    assert out.getvalue() + errors.getvalue() == ""


def test_a_new_file_is_private_and_never_replaces_one(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    with open_new_file(str(path)) as file:
        json.dump({}, file)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="File exists"):
        open_new_file(str(path))
    assert path.read_text() == "{}"
