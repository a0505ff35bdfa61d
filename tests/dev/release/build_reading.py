"""Has gcloud read cloudbuild.yaml as `gcloud builds submit` would."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.dev.release.parsing import sdk

_SECONDS = 120


class UnreadableError(ValueError):
    """gcloud rejects the file; the message says why."""


def read_build(file: Path, **substitutions: str) -> dict[str, Any]:
    """Return a build as gcloud would send it.

    Raises:
        UnreadableError: It refuses the file.
    """
    python, root = sdk()
    given = [f"{name}={value}" for name, value in substitutions.items()]
    script = Path(__file__).with_name("build_reader.py")
    done = subprocess.run(
        [python, script, root, str(file), *given],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise UnreadableError(done.stderr)
    return dict(json.loads(done.stdout))
