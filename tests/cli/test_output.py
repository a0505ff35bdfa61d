"""The console separates messages from data, and asks only at a terminal."""

import asyncio
import json
import signal
import sys
from io import StringIO
from pathlib import Path

import pytest

from cli.output import CommandError, open_partial_file, redirect_logs
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


def test_a_partial_file_is_private_and_replaces_that_of_an_interrupted_command(
    tmp_path: Path,
) -> None:
    part = tmp_path / "new.json.part"
    part.write_text("interrupted")
    with open_partial_file(str(tmp_path / "new.json")) as file:
        json.dump({}, file)
    assert (part.stat().st_mode & 0o777, part.read_text()) == (0o600, "{}")


def test_an_existing_file_gets_no_partial_file(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    path.write_text("mine")
    with pytest.raises(CommandError, match="exists"):
        open_partial_file(str(path))
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_a_folder_that_does_not_exist_cannot_be_created(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        open_partial_file(str(tmp_path / "none" / "new.json"))
