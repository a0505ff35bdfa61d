"""gcloud: commands as values, and the one place that runs them."""

import shlex
import subprocess
from dataclasses import dataclass

Words = tuple[str, ...]

_SECONDS = 1200


class GcloudError(RuntimeError):
    """gcloud did not do it; the text says which command, and gcloud itself what was wrong."""


@dataclass(frozen=True, slots=True)
class Ensured:
    """Something that gcloud cannot create and update in one command.

    Attributes:
        look: Succeeds, and prints something, where it exists.
        create: Makes it.
        update: Brings it up to date; None where it can only be there or not.
    """

    look: Words
    create: Words
    update: Words | None


Step = Words | Ensured


def gcloud(*words: str, **flags: str | float) -> Words:
    """Return a gcloud command.

    Args:
        words: The command, its arguments, and flags that take no value.
        flags: Flags by name; ``_`` stands for ``-``.
    """
    flag_words = (f"--{name.replace('_', '-')}={value}" for name, value in flags.items())
    return ("gcloud", *words, *flag_words)


def commands(step: Step) -> tuple[Words, ...]:
    """Return every command that a step may run."""
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
    """Run a command at the terminal, saying what it is.

    Raises:
        GcloudError: It failed.
    """
    print(f"$ {shlex.join(words)}", flush=True)
    completed = subprocess.run([*words, "--quiet"], timeout=_SECONDS, check=False)
    if completed.returncode:
        raise GcloudError(f"This failed, see above: {shlex.join(words)}")


def read_output(words: Words) -> str | None:
    """Return what a command prints, None where it fails: what it looks for is not there.

    A look that fails for another reason shows when what is missing is made.
    """
    completed = subprocess.run(
        [*words, "--quiet"], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    return completed.stdout.strip() if completed.returncode == 0 else None
