"""Represent gcloud commands as values, and run them."""

import shlex
import subprocess
from dataclasses import dataclass

Words = tuple[str, ...]

_SECONDS = 1200


class GcloudError(RuntimeError):
    """A gcloud command failed; the message names it."""


@dataclass(frozen=True, slots=True)
class Ensured:
    """A resource that gcloud cannot create and update in one command.

    Attributes:
        look: Succeeds and prints something if the resource exists.
        update: None if the resource has nothing to update.
    """

    look: Words
    create: Words
    update: Words | None


Step = Words | Ensured


def gcloud(*words: str, **flags: str | float) -> Words:
    """Return a gcloud command.

    Args:
        words: The command, its arguments, and flags without a value.
        flags: Flags by name; ``_`` stands for ``-``.
    """
    flag_words = (f"--{name.replace('_', '-')}={value}" for name, value in flags.items())
    return ("gcloud", *words, *flag_words)


def commands(step: Step) -> tuple[Words, ...]:
    """Return every command of a step."""
    if isinstance(step, Ensured):
        return tuple(words for words in (step.look, step.create, step.update) if words)
    return (step,)


def apply_step(step: Step) -> None:
    """Do a step.

    Raises:
        GcloudError: gcloud did not.
    """
    if not isinstance(step, Ensured):
        run(step)
    elif not read_output(step.look):
        run(step.create)
    elif step.update:
        run(step.update)


def run(words: Words) -> None:
    """Print and run a command.

    Raises:
        GcloudError: It failed.
    """
    print(f"$ {shlex.join(words)}", flush=True)
    completed = subprocess.run([*words, "--quiet"], timeout=_SECONDS, check=False)
    if completed.returncode:
        raise GcloudError(f"This failed, see above: {shlex.join(words)}")


def read_output(words: Words) -> str | None:
    """Return a command's output, None if it fails because the resource does not exist.

    A failure for another reason shows when the resource is created.
    """
    completed = subprocess.run(
        [*words, "--quiet"], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    return completed.stdout.strip() if completed.returncode == 0 else None
