"""What is told to a person, what to a program, and what is asked of whom."""

import sys
from io import StringIO

import pytest

from cli.console import Console, NotConfirmedError, redirect_logs


class TerminalOutput(StringIO):
    """A text that a terminal shows."""

    def isatty(self) -> bool:
        return True


def console(
    *, as_json: bool = False, terminal: bool = False, assents: bool = False
) -> tuple[Console, StringIO, StringIO]:
    out, errors = StringIO(), TerminalOutput() if terminal else StringIO()
    return (
        Console(out, errors, as_json=as_json, is_terminal=terminal, assume_yes=assents),
        out,
        errors,
    )


def test_text_output_has_no_json() -> None:
    told, out, errors = console()
    told.print_line("words")
    told.write_result({"a": 1})
    assert (out.getvalue(), errors.getvalue()) == ("words\n", "")


def test_json_output_is_a_single_object() -> None:
    told, out, errors = console(as_json=True)
    told.print_line("words")
    told.write_result({"a": "ä"})
    assert (out.getvalue(), errors.getvalue()) == ('{"a": "ä"}\n', "words\n")


def test_log_lines_stay_out_of_the_output() -> None:
    told, out, errors = console()
    with redirect_logs(told, show_logs=False):
        sys.stdout.write("a log line\n")
    assert out.getvalue() + errors.getvalue() == ""


def test_log_lines_are_written_to_stderr_on_request() -> None:
    told, out, errors = console()
    with redirect_logs(told, show_logs=True):
        sys.stdout.write("a log line\n")
    assert (out.getvalue(), errors.getvalue()) == ("", "a log line\n")


@pytest.mark.parametrize("typed, goes_on", [("y\n", True), ("YES\n", True), ("\n", False)])
def test_a_prompt_is_shown_at_a_terminal(
    typed: str,
    goes_on: bool,  # noqa: FBT001 -- a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, _, _ = console(terminal=True)
    monkeypatch.setattr("sys.stdin", StringIO(typed))
    if goes_on:
        told.confirm("It goes.")
    else:
        with pytest.raises(NotConfirmedError, match="Nothing was changed"):
            told.confirm("It goes.")


def test_no_prompt_is_shown_without_a_terminal() -> None:
    told, _, _ = console()
    with pytest.raises(NotConfirmedError, match="--yes"):
        told.confirm("It goes.")


def test_the_yes_option_skips_the_prompt() -> None:
    told, out, errors = console(assents=True)
    told.confirm("It goes.")
    assert out.getvalue() + errors.getvalue() == ""


def test_progress_replaces_itself_at_a_terminal() -> None:
    told, _, errors = console(terminal=True)
    told.show_progress("1 of 2")
    told.show_progress("2 of 2")
    told.end_progress()
    assert errors.getvalue().count("\n") == 1
    assert errors.getvalue().count("\r") == 2


def test_progress_is_not_written_to_a_file() -> None:
    told, out, errors = console()
    told.show_progress("1 of 2")
    told.end_progress()
    assert out.getvalue() + errors.getvalue() == ""
