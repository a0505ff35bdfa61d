"""Makes this machine ready: virtual environment, packages, Java, Firestore emulator.

Runs on a bare Python, as `python3 dev/bootstrap.py`; does only what is still missing.
"""

# Older Pythons must get as far as the sentence that says they are too old.
from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
OLDEST_PYTHON = (3, 11)
_STAMP = VENV / "installed.sha256"
_REQUIREMENTS = ROOT / "requirements-dev.txt"  # which holds requirements.txt
_HEARTBEAT_SECONDS = 5
_STEP_SECONDS = 1800


class SetUpError(RuntimeError):
    """The machine cannot be made ready; the text says what to do."""


def check_python(version: tuple[int, int]) -> None:
    """Refuse a Python that is too old for the bundle.

    Args:
        version: Its major and minor version.

    Raises:
        SetUpError: It is too old.
    """
    if version < OLDEST_PYTHON:
        raise SetUpError(
            f"Python 3.11 or newer is needed, this is {version[0]}.{version[1]}: "
            "name one, as in `make test PYTHON=python3.12`."
        )


def check_modules(names: tuple[str, ...]) -> None:
    """Refuse a Python whose standard library is incomplete.

    Args:
        names: The modules that are needed.

    Raises:
        SetUpError: One is missing.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise SetUpError(
                f"This Python has no {name} module: install it (Debian: "
                "`apt-get install python3-venv`) and try again."
            )


def fingerprint(file: Path) -> str:
    """Return a checksum that changes with what a file says."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def run_step(label: str, command: list[str]) -> None:
    """Run a slow command with a sign of life, showing its output only where it fails.

    Args:
        label: What is being done, for the developer.
        command: Program and arguments.

    Raises:
        SetUpError: It failed or took longer than half an hour.
    """
    print(f"{label} …", flush=True)
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT)
        try:
            code = _wait(child)
        finally:
            child.kill()
        if code:
            output.seek(0)
            raise SetUpError(f"{output.read()}\n{label} failed: see above, mend it and try again.")


def _wait(child: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + _STEP_SECONDS
    while time.monotonic() < deadline:
        try:
            return child.wait(_HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            print("  still at it …", flush=True)
    raise SetUpError(f"Given up after {_STEP_SECONDS} seconds: is the network slow? Try again.")


def _ensure_venv() -> None:
    if not (VENV / "bin" / "pip").exists() or not VENV_PYTHON.exists():
        check_modules(("ensurepip",))  # which Debian packs apart
        print("Making .venv …", flush=True)
        venv.create(VENV, clear=True, symlinks=True, with_pip=True)


def _ensure_packages() -> None:
    wanted = fingerprint(_REQUIREMENTS)
    if _STAMP.is_file() and _STAMP.read_text() == wanted:
        return
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = ["--require-hashes", "--requirement", str(_REQUIREMENTS)]
    run_step("Installing packages", [*pip, *locked])
    _STAMP.write_text(wanted)


def main() -> None:
    """Make the machine ready, or end with a sentence that says what is missing."""
    try:
        check_python(sys.version_info[:2])
        _ensure_venv()
        _ensure_packages()
        prepare = [str(VENV_PYTHON), "-m", "dev.emulator", "--prepare"]
    except (SetUpError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"bootstrap: {error}")
    sys.exit(subprocess.run(prepare, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
