"""What a command prints and asks at the terminal, and the errors and exit codes it ends with."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import IO, Any, TextIO

import click
from typing_extensions import override

STANDARD_STREAM = "-"


class ExitCode(IntEnum):
    """The exit codes of every command."""

    SUCCESS = 0
    FAILED = 1
    USAGE_ERROR = 2
    RETRY_LATER = 3
    ACTION_REQUIRED = 4
    INTERRUPTED = 130
    CLOSED_PIPE = 141  # as a shell reports a program that SIGPIPE ended


class CommandError(click.ClickException):
    """Ends a command with one sentence on stderr about the next step.

    `code` is for programs: the code of the API's error, or a general one.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code or type(self).exit_code.name

    # click would print "Error: " first, although exit code 3 or 130 is no error.
    @override
    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=True)


class RetryLaterError(CommandError):
    """Ends a command because of a temporary condition."""

    exit_code = ExitCode.RETRY_LATER


class CommandInterruptedError(CommandError):
    """Ends a command after Ctrl-C."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self) -> None:
        super().__init__("Interrupted: run the same command again to continue.")

    @override
    def show(self, file: IO[Any] | None = None) -> None:
        if sys.stderr.isatty():
            click.echo(err=True)  # ends the line that shows ^C
        super().show(file)


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The JSON object for `--json`, None for no output, and whether the operator must act."""

    output: dict[str, Any] | None
    is_action_required: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a completed command."""
        return ExitCode.ACTION_REQUIRED if self.is_action_required else ExitCode.SUCCESS


@dataclass(frozen=True, slots=True)
class Console:
    """The operator's terminal, or the output for a program.

    With `as_json`, `out` gets data only and all messages go to `errors`. Questions are asked only
    if `is_terminal`; `assume_yes` answers every confirmation.
    """

    out: TextIO
    errors: TextIO
    as_json: bool = False
    is_terminal: bool = False
    assume_yes: bool = False

    def print_line(self, text: str) -> None:
        """Print one line for a person."""
        click.echo(text, file=self.errors if self.as_json else self.out)

    def print_step(self, step: str, outcome: str) -> None:
        """Print the outcome of one step, aligned with the other steps."""
        self.print_line(f"{step:<12} {outcome}")

    def print_table(self, rows: Iterable[Sequence[object]]) -> None:
        """Print rows in aligned columns."""
        texts = [[str(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        for row in texts:
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
            self.print_line("  ".join(cells).rstrip())

    def print_list(self, rows: Sequence[Sequence[object]], *, empty: str) -> None:
        """Print a header and rows as a table, or a sentence if there is only the header."""
        if len(rows) > 1:
            self.print_table(rows)
        else:
            self.print_line(empty)

    def print_problem(self, problem: str) -> None:
        """Print a problem for the operator, marked with "!"."""
        self.print_line(click.style(f"! {problem}", fg="yellow"))

    def write_result(self, output: dict[str, Any] | None) -> None:
        """Write a command's JSON object if `--json` was given."""
        if self.as_json and output is not None:
            write_json(output, self.out)

    def confirm(self, effect: str) -> None:
        """Ask for a confirmation; raise `CommandError` without one."""
        if self.assume_yes:
            return
        if not self.is_terminal:
            raise CommandError(f"{effect} Confirm it with --yes.")
        with _interrupt_at_once():
            is_confirmed = click.confirm(f"{effect} Continue?", err=True)
        if not is_confirmed:
            raise CommandError("Nothing was changed.")

    def prompt(self, question: str, *, is_hidden: bool = False) -> str:
        """Ask for one line of text; Enter gives an empty one."""
        with _interrupt_at_once():
            answer = click.prompt(
                question, default="", show_default=False, hide_input=is_hidden, err=True
            )
        return str(answer).strip()


@contextmanager
def _interrupt_at_once() -> Iterator[None]:
    """Let Ctrl-C interrupt a blocking read.

    The handler of `asyncio.run` only cancels the task, and a task cannot react while it waits for
    input.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signal handlers belong to the main thread
        return
    previous_handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        # A Ctrl-C just before this line only marked the task as cancelled.
        with suppress(RuntimeError):  # without an event loop there is no task
            task = asyncio.current_task()
            if task and task.cancelling():
                raise KeyboardInterrupt
        yield
    finally:
        signal.signal(signal.SIGINT, previous_handler)


@contextmanager
def redirect_logs(console: Console, *, show_logs: bool) -> Iterator[None]:
    """Remove log lines from stdout; show them on stderr if requested."""
    with Path(os.devnull).open("w") as null, redirect_stdout(console.errors if show_logs else null):
        yield


def write_json(output: dict[str, Any], file: TextIO) -> None:
    """Write one JSON object as a line."""
    click.echo(json.dumps(output, ensure_ascii=False), file=file)


@contextmanager
def closed_pipe_ends_quietly() -> Iterator[None]:
    """Exit if nobody reads the output any more, as in `ledger export … | head`."""
    try:
        yield
    except BrokenPipeError:
        # The interpreter flushes stdout once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.CLOSED_PIPE)


def read_input(source: str, max_bytes: int = -1) -> bytes:
    """Read a file, or stdin for "-"; at most `max_bytes` if it is not negative."""
    try:
        if source == STANDARD_STREAM:
            return sys.stdin.buffer.read(max_bytes)
        with Path(source).open("rb") as file:
            return file.read(max_bytes)
    except OSError as error:
        raise CommandError(f"{source} cannot be read: {error.strerror}.") from None


def get_partial_path(path: str) -> Path:
    """Return where a file is written before it is complete and gets its name."""
    return Path(f"{path}.part")


def open_partial_file(path: str) -> TextIO:
    """Create `FILE.part` for its owner only, for a `FILE` that does not exist yet.

    The caller renames it to `FILE` when it is complete. One of an interrupted command is replaced.
    """
    if Path(path).exists():
        raise CommandError(f"{path} exists: name a new file, or delete it.")
    part = get_partial_path(path)
    part.unlink(missing_ok=True)
    try:
        # The mode is set at creation: a later chmod would leave a moment to read it. O_EXCL also
        # refuses a link that somebody put there since the line above.
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"{part} cannot be created: {error.strerror}.") from None
    return os.fdopen(descriptor, "w", encoding="utf-8")
