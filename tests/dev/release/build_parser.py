"""Parse a build file with gcloud, as `gcloud builds submit` does."""

import json
from pathlib import Path
from typing import Any

from tests.dev.commands import run_program
from tests.dev.release.gcloud_parser import sdk


class UnreadableError(ValueError):
    """gcloud rejects the file; the message says why."""


def read_build(file: Path, **substitutions: str) -> dict[str, Any]:
    """Return a build as gcloud would send it.

    Raises:
        UnreadableError: It refuses the file.
    """
    python, root = sdk()
    given = [f"{name}={value}" for name, value in substitutions.items()]
    script = Path(__file__).with_name("build_parser_script.py")
    done = run_program(python, str(script), root, str(file), *given)
    if done.returncode:
        raise UnreadableError(done.stderr)
    return dict(json.loads(done.stdout))
