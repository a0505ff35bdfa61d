"""How a command ends: what it tells a program, and its exit code."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    TRY_AGAIN = 3
    WANTS_A_PERSON = 4
    INTERRUPTED = 130


class TryAgainError(Exception):
    """Nothing is wrong, but it cannot be done just now; the text says when to try again."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of a command.

    Attributes:
        told: What a program is told, as JSON; None where the output was made of other things.
        wants_a_person: Whether it is done, but left something for a person to do.
    """

    told: dict[str, Any] | None
    wants_a_person: bool = False

    @property
    def code(self) -> Exit:
        """The command's exit code."""
        return Exit.WANTS_A_PERSON if self.wants_a_person else Exit.DONE
