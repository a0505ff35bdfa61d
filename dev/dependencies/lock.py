"""Pin every package: `python -m dev.dependencies.lock [options of uv lock]`.

`uv.lock` is made of pyproject.toml, `requirements.txt` of `uv.lock`.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from dev.bootstrap import ROOT, SetUpError, uv_environment

REQUIREMENTS = ROOT / "requirements.txt"
DEPLOYED = ("--no-default-groups",)
EVERYTHING = ("--all-groups",)
_OLDEST_PYTHON = "3.11"  # as requires-python in pyproject.toml
_HEADER = "# Made of uv.lock by `make lock`.\n"
# A requirement, and its hashes in the indented lines that follow.
_ENTRY = re.compile(r"^(?P<name>[a-z0-9.-]+)(?P<extras>\[.+?\])?==\S+.*\n(?: .*\n)*", re.MULTILINE)
_COMMAND_TIMEOUT_SECONDS = 300
# Settings for a mirror; its address must not get into the lock.
_INDEX_SETTINGS = ("INDEX", "DEFAULT_INDEX", "INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS")


def main() -> None:
    """Lock, and write `requirements.txt`."""
    try:
        _run_uv("lock", *sys.argv[1:])
        REQUIREMENTS.write_text(build_requirements())
    except (OSError, SetUpError, subprocess.SubprocessError) as error:
        sys.exit(f"lock: {error}")


def build_requirements() -> str:
    """Return `requirements.txt` with an entry for each package and for each of its extras.

    An entry for the extras alone would do for pip 23.3 and newer. An older pip compares
    `package[extra]` in a dependency only with entries that name the extra, and `package` only with
    entries that do not. Without a match it takes the newest version, which has no hash here.
    """
    extras = find_requested_extras()

    def with_extras(entry: re.Match[str]) -> str:
        name, text = entry["name"], entry[0]
        return text + (text.replace(name, name + extras[name], 1) if name in extras else "")

    return _HEADER + _ENTRY.sub(with_extras, export_requirements(*DEPLOYED))


def export_requirements(*options: str) -> str:
    """Return packages of `uv.lock` as requirements with hashes; `uv export` has the options."""
    return _run_uv(
        "export", "--frozen", "--no-emit-project", "--no-header", "--no-annotate", *options
    )


def list_package_names(text: str) -> set[str]:
    """Return the names of the packages in requirements."""
    return {entry["name"] for entry in _ENTRY.finditer(text)}


def find_requested_extras(*options: str) -> dict[str, str]:
    """Return the requested extras of each package, e.g. `[grpc]`."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text(export_requirements(*EVERYTHING, "--no-hashes"))
        # The lock omits an extra without packages, but an old pip looks for it too.
        compiled = _run_uv(
            *("pip", "compile", "pyproject.toml", *options, "--universal", "--no-strip-extras"),
            *("--python-version", _OLDEST_PYTHON, "--constraint", str(constraints)),
            *("--no-header", "--no-annotate"),
        )
    entries = _ENTRY.finditer(compiled)
    return {entry["name"]: entry["extras"] for entry in entries if entry["extras"]}


def _run_uv(*words: str) -> str:
    unset = {f"UV_{name}" for name in _INDEX_SETTINGS}
    environment = {name: value for name, value in uv_environment().items() if name not in unset}
    python = Path(sys.executable)
    command = [str(python.with_name("uv")), *words, "--no-config", "--quiet"]
    return run_command(command, ROOT, environment | {"UV_PYTHON": str(python)})


def run_command(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Return what a command writes to its stdout.

    Raises:
        SetUpError: It failed; the message has all of its output.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_COMMAND_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        text = f"{done.stdout}{done.stderr}\n`{' '.join(command)}` failed: see above."
        raise SetUpError(text)
    return done.stdout


if __name__ == "__main__":
    main()
