"""Create a virtual environment with the deployed packages only."""

import sys
import venv
from pathlib import Path

from dev.bootstrap import ROOT, UV, fingerprint, run_step, uv_environment

_REQUIREMENTS = ROOT / "requirements.txt"
_FOLDER = ROOT / "build" / "bench"


def deployed_python() -> Path:
    """Return the interpreter of a virtual environment with ``requirements.txt`` only.

    With development packages installed, a deployed library may import more than in production. The
    environment is created again when the requirements or the Python version change.

    Raises:
        SetUpError: A package cannot be installed.
    """
    python, stamp = _FOLDER / "bin" / "python", _FOLDER / "installed.sha256"
    expected = f"{fingerprint(_REQUIREMENTS)} {sys.version}"
    if not stamp.is_file() or stamp.read_text() != expected:
        venv.create(_FOLDER, clear=True, symlinks=True)
        install = [str(UV), "pip", "sync", "--require-hashes", str(_REQUIREMENTS)]
        run_step(
            "Installing what is deployed", [*install, "--python", str(python)], uv_environment()
        )
        stamp.write_text(expected)
    return python
