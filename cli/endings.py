"""How a command ends: what it tells a program, and its exit code."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """The exit codes of every command."""

    SUCCESS = 0
    FAILED = 1
    USAGE_ERROR = 2
    RETRY_LATER = 3
    ACTION_REQUIRED = 4
    INTERRUPTED = 130


class RetryLaterError(Exception):
    """Nothing is wrong, but it cannot be done just now; the text says when to try again."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What came of a command.

    Attributes:
        output: What a program is told, as JSON; None where the output was made of other things.
        is_action_required: Whether it is done, but left something for a person to do.
    """

    output: dict[str, Any] | None
    is_action_required: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """The command's exit code."""
        return ExitCode.ACTION_REQUIRED if self.is_action_required else ExitCode.SUCCESS
