"""What an operator is shown and asked at the terminal."""

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from getpass import getpass
from typing import Any, TextIO

from typing_extensions import override


class NotConfirmedError(Exception):
    """The operator did not confirm what a command would do; nothing was done."""


class Console:
    """Speaks to the operator.

    With `as_json` nothing but one JSON object goes to `out`; all words then go to `errors`.

    Args:
        out: The command's output.
        errors: Where everything goes that is no output.
        as_json: Whether a program reads the output.
        is_terminal: Whether a person sits in front of it and may be asked.
        assume_yes: Whether all questions are answered with yes beforehand.
    """

    def __init__(
        self, out: TextIO, errors: TextIO, *, as_json: bool, is_terminal: bool, assume_yes: bool
    ) -> None:
        self.out = out
        self.errors = errors
        self.as_json = as_json
        self.is_terminal = is_terminal
        self._assume_yes = assume_yes

    def print_line(self, text: str) -> None:
        """Tell one line."""
        print(text, file=self.errors if self.as_json else self.out, flush=True)

    def print_step(self, step: str, outcome: str) -> None:
        """Tell what a step did."""
        self.print_line(f"{step:<12} {outcome}")

    def show_progress(self, line: str) -> None:
        """Show how far something is, in place of what was shown before; not to a program."""
        if self.errors.isatty():
            print(f"\r\x1b[K{line}", end="", file=self.errors, flush=True)

    def end_progress(self) -> None:
        """Leave the progress shown and go on below it."""
        if self.errors.isatty():
            print(file=self.errors, flush=True)

    def print_table(self, rows: Iterable[Sequence[object]]) -> None:
        """Tell rows in columns."""
        texts = [[str(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        for row in texts:
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            self.print_line("  ".join(cells).rstrip())

    def write_result(self, output: object) -> None:
        """Write the JSON that a program reads, where one does and there is any."""
        if self.as_json and output is not None:
            print(json.dumps(output, ensure_ascii=False), file=self.out, flush=True)

    def confirm(self, effect: str) -> None:
        """Have the operator confirm something that cannot simply be taken back.

        Raises:
            NotConfirmedError: When they do not, or nobody can be asked and --yes is missing.
        """
        if self._assume_yes:
            return
        if not self.is_terminal:
            raise NotConfirmedError(f"{effect} Confirm it with --yes.")
        if self.prompt(f"{effect} Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise NotConfirmedError("Nothing was changed.")

    def prompt(self, question: str) -> str:
        """Return what the operator types, in plain sight."""
        print(question, end="", file=self.errors, flush=True)
        return sys.stdin.readline().rstrip("\n")

    def prompt_hidden(self, question: str) -> str:
        """Return what the operator types, which is not shown."""
        return getpass(question, self.errors)


class _LogStream(io.TextIOBase):
    """Takes the bundle's log lines, which would spoil the output."""

    def __init__(self, write: Callable[[str], object] | None) -> None:
        self._write = write

    @override
    def write(self, text: str, /) -> int:
        if self._write is not None:
            self._write(text)
        return len(text)


@contextmanager
def redirect_logs(console: Console, *, show_logs: bool) -> Iterator[None]:
    """Keep the bundle's log out of the output; show it among the errors where wanted."""
    lines: Any = _LogStream(console.errors.write if show_logs else None)
    with redirect_stdout(lines):
        yield
