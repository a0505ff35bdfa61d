"""A Python that has what is deployed, and nothing of what development adds."""

import sys
import venv
from pathlib import Path

from dev.bootstrap import ROOT, fingerprint, run_step

_REQUIREMENTS = ROOT / "requirements.txt"
_FOLDER = ROOT / "build" / "bench"


def deployed_python() -> Path:
    """Return the interpreter of a virtual environment of ``requirements.txt`` alone.

    Beside development's packages, a library that is deployed may import more than it does there.
    It is made once, and again when the requirements or this Python have changed.

    Raises:
        SetUpError: When a package cannot be installed.
    """
    python, stamp = _FOLDER / "bin" / "python", _FOLDER / "installed.sha256"
    wanted = f"{fingerprint(_REQUIREMENTS)} {sys.version}"
    if not stamp.is_file() or stamp.read_text() != wanted:
        venv.create(_FOLDER, clear=True, symlinks=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        locked = ["--require-hashes", "--requirement", str(_REQUIREMENTS)]
        run_step("Installing what is deployed", [*pip, *locked])
        stamp.write_text(wanted)
    return python
