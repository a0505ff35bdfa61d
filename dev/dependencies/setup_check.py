"""Check the set-up of a fresh clone with the oldest and the newest pip: `make setup-check`.

The clone's pins are older than the newest releases, as every clone's pins become. An old pip takes
the newest release for a requirement without a matching pin, and fails.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dev.bootstrap import LOCK, ROOT, SetUpError
from dev.dependencies.lock import find_requested_extras, run_command
from dev.local.emulator_files import EmulatorError, ensure_emulator_files

# Python 3.11.0 has pip 22.3. It does not run on Python 3.12 and newer: there, the oldest pip that
# matters is the one that Python brings.
OLDEST = "pip==22.3.1" if sys.version_info < (3, 12) else None
NEWEST = "pip"
# The packages of the wheel: the set-up installs the operator commands.
_PARTS = ("cli", "dev", "functions", "shared", "pyproject.toml", "uv.lock", "requirements.txt")
_CACHE_SETTINGS = {"XDG_CACHE_HOME", "UV_CACHE_DIR", "PIP_CACHE_DIR"}


def main() -> None:
    """Check each pip, or exit with the output of the failed command."""
    try:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
            older = Path(folder, "older")
            _copy_clone(ROOT, older)
            _lock_older_versions(older)
            checks = [
                pool.submit(_check_pip, OLDEST, older, Path(folder, "oldest")),
                pool.submit(_check_pip, NEWEST, older, Path(folder, "newest")),
            ]
            for check in checks:
                print(check.result(), flush=True)
    except (EmulatorError, OSError, SetUpError, subprocess.TimeoutExpired) as error:
        sys.exit(f"setup-check: {error}")


def _copy_clone(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for part in (source / name for name in _PARTS):
        if part.is_dir():
            shutil.copytree(part, target / part.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(part, target)


def _lock_older_versions(clone: Path) -> None:
    """Lock an older version of each package with requested extras."""
    locked = {package["name"]: package["version"] for package in _read_toml(LOCK)["package"]}
    # pyproject.toml pins its own packages to one version.
    project = _read_toml(ROOT / "pyproject.toml")
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    direct = {text.partition("==")[0] for group in groups for text in group}
    names = find_requested_extras("--group", "dev").keys() - direct
    older = [f"--upgrade-package={name}<{locked[name]}" for name in sorted(names)]
    run_command([sys.executable, "-m", "dev.dependencies.lock", *older], clone, dict(os.environ))
    print("Older pins for", *sorted(names), flush=True)


def _read_toml(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text())


def _check_pip(pip: str | None, older: Path, folder: Path) -> str:
    """Set up a clone with one version of pip, and install the deployed packages with it."""
    clone, home = folder / "clone", folder / "home"
    _copy_clone(older, clone)
    home.mkdir()
    # An empty home directory, with this machine's Java and emulator.
    java, jar = ensure_emulator_files()
    inherited = {name: text for name, text in os.environ.items() if name not in _CACHE_SETTINGS}
    environment = inherited | {
        "HOME": str(home),
        "JAVA_HOME": str(java.parents[1]),
        "FIREBASE_EMULATORS_PATH": str(jar.parent),
    }
    base = str(Path(sys.executable).resolve())
    python = str(clone / ".venv" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    run_command([base, "-m", "venv", ".venv"], clone, environment)
    if pip:
        run_command([*install, "--upgrade", pip], clone, environment)
    version = run_command([python, "-c", "import pip; print(pip.__version__)"], clone, environment)
    deployed = ["--dry-run", "--require-hashes", "--requirement", "requirements.txt"]
    run_command([*install, *deployed], clone, environment)
    started = time.monotonic()
    run_command([base, "dev/set_up.py"], clone, environment)
    seconds = time.monotonic() - started
    run_command([python, "-m", "pytest", "--version"], clone, environment)
    return f"pip {version.strip()}: set up in {seconds:.0f} s; requirements.txt can be installed."


if __name__ == "__main__":
    main()
