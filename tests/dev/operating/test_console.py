"""What is told to a person, what to a program, and what is asked of whom."""

import sys
from io import StringIO

import pytest

from dev.operating.console import Console, NotConfirmedError, redirect_logs


class Terminal(StringIO):
    """A text that a terminal shows."""

    def isatty(self) -> bool:
        return True


def console(
    *, as_json: bool = False, terminal: bool = False, assents: bool = False
) -> tuple[Console, StringIO, StringIO]:
    out, errors = StringIO(), Terminal() if terminal else StringIO()
    return (
        Console(out, errors, as_json=as_json, is_terminal=terminal, assume_yes=assents),
        out,
        errors,
    )


def test_a_person_reads_words_alone() -> None:
    told, out, errors = console()
    told.print_line("words")
    told.write_result({"a": 1})
    assert (out.getvalue(), errors.getvalue()) == ("words\n", "")


def test_a_program_reads_one_object_alone() -> None:
    told, out, errors = console(as_json=True)
    told.print_line("words")
    told.write_result({"a": "ä"})
    assert (out.getvalue(), errors.getvalue()) == ('{"a": "ä"}\n', "words\n")


def test_log_lines_stay_out_of_the_output() -> None:
    told, out, errors = console()
    with redirect_logs(told, show_logs=False):
        sys.stdout.write("a log line\n")
    assert out.getvalue() + errors.getvalue() == ""


def test_log_lines_are_shown_among_the_errors_where_wanted() -> None:
    told, out, errors = console()
    with redirect_logs(told, show_logs=True):
        sys.stdout.write("a log line\n")
    assert (out.getvalue(), errors.getvalue()) == ("", "a log line\n")


@pytest.mark.parametrize("typed, goes_on", [("y\n", True), ("YES\n", True), ("\n", False)])
def test_a_person_is_asked(typed: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 -- a table of cases
    told, _, _ = console(terminal=True)
    monkeypatch.setattr("sys.stdin", StringIO(typed))
    if goes_on:
        told.confirm("It goes.")
    else:
        with pytest.raises(NotConfirmedError, match="Nothing was changed"):
            told.confirm("It goes.")


def test_nobody_is_asked_where_nobody_sits() -> None:
    told, _, _ = console()
    with pytest.raises(NotConfirmedError, match="--yes"):
        told.confirm("It goes.")


def test_yes_beforehand_asks_nobody() -> None:
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
