"""Set this machine up: virtual environment, packages, Java and Firestore emulator.

`make` runs it through dev/set_up.py, with any Python 3.11 or newer. It skips every step that is
already done, so a second run needs no network.
"""

# An older Python must reach the sentence that names the oldest supported version.
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
LOCK = ROOT / "uv.lock"
OLDEST_PYTHON = (3, 11)
_MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
_STAMP = VENV / "set-up.txt"
_UNFINISHED = "unfinished"
_GUARD = ROOT / "build" / "set-up.lock"
_HEARTBEAT_SECONDS = 5
_STEP_SECONDS = 1800
_PROBE_SECONDS = 30


class SetUpError(RuntimeError):
    """The set-up failed; the text gives the next step."""


def main() -> None:
    """Set the machine up, or end with a sentence about what is missing."""
    try:
        check_python(sys.version_info[:2])
        ensure_environment()
        code = prepare_emulator()
    except (SetUpError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"bootstrap: {error}")
    sys.exit(code)


def check_python(version: tuple[int, int]) -> None:
    """Refuse a Python version that the bundle does not support."""
    if version < OLDEST_PYTHON:
        raise SetUpError(
            f"Python 3.11 or newer is needed, this is {version[0]}.{version[1]}: "
            "name one, as in `make test PYTHON=python3.12`."
        )


def check_modules(names: tuple[str, ...]) -> None:
    """Refuse a Python without these modules of the standard library."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise SetUpError(
                f"This Python has no {name} module: install it (Debian: "
                "`apt-get install python3-venv`) and try again."
            )


def ensure_environment() -> None:
    """Install the packages of `uv.lock` in `.venv`, unless it has them already."""
    # Scripts in .venv/bin contain the path of the clone, so a moved clone needs a new .venv.
    expected = f"{fingerprint(LOCK)} {_MINOR} {ROOT}"
    if _is_ready(expected):
        return
    started = time.monotonic()
    with _lock_set_up():
        if _is_ready(expected):  # an earlier set-up did the work
            return
        _ensure_venv()
        _ensure_uv()
        sync = [str(UV), "sync", "--frozen", "--quiet"]
        run_step("Installing the packages of uv.lock", sync, uv_environment())
        _STAMP.write_text(expected)
    print(f"Set up in {time.monotonic() - started:.0f} s.", flush=True)


def prepare_emulator() -> int:
    """Get Java and the Firestore emulator ready; return the exit code."""
    command = [str(VENV_PYTHON), "-m", "dev.local.emulator", "--prepare"]
    with contextlib.ExitStack() as stack:
        with _delay_interrupt():
            # In a session of its own Ctrl-C does not reach it, so it prints no traceback.
            child = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
            stack.callback(_end_group, child)
        return child.wait()


def _end_group(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()


def uv_environment() -> dict[str, str]:
    """Return the environment variables for a `uv` command on this project."""
    inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    own = {
        "UV_PROJECT_ENVIRONMENT": str(VENV),
        "UV_PYTHON": str(VENV_PYTHON),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    return {"UV_CACHE_DIR": str(find_cache_folder() / "uv")} | inherited | own


def find_cache_folder() -> Path:
    """Return the folder for downloads: the user's cache, or `build/cache` if that is read-only."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        # A real file: the permissions do not show a read-only file system.
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):  # expanduser: this user has no home directory
        return ROOT / "build" / "cache"
    return folder


def fingerprint(*files: Path) -> str:
    """Return a checksum of the contents of files."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def run_step(label: str, command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a slow command, with a line every few seconds; print its output only if it fails.

    Raises:
        SetUpError: The command failed or took longer than half an hour.
    """
    print(f"{label} …", flush=True)
    with tempfile.TemporaryFile("w+", errors="replace") as output, contextlib.ExitStack() as stack:
        with _delay_interrupt():
            child = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=environment,
                close_fds=False,  # see _lock_set_up
            )
            stack.callback(child.kill)
        if _wait(child):
            output.seek(0)
            raise SetUpError(f"{output.read()}\n{label} failed: fix the error above and try again.")


@contextlib.contextmanager
def _delay_interrupt() -> Iterator[None]:
    """Handle a Ctrl-C at the end of the block, in which a process starts that it must end."""
    interrupts: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _frame: interrupts.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if interrupts:
        signal.raise_signal(signal.SIGINT)


def _wait(child: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + _STEP_SECONDS
    while time.monotonic() < deadline:
        try:
            return child.wait(_HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            print("  in progress …", flush=True)
    raise SetUpError(f"Stopped after {_STEP_SECONDS} seconds: check the network and try again.")


def _is_ready(expected: str) -> bool:
    return VENV_PYTHON.exists() and _read_stamp() == expected


def _read_stamp() -> str | None:
    return _STAMP.read_text() if _STAMP.is_file() else None


@contextlib.contextmanager
def _lock_set_up() -> Iterator[None]:
    """Wait until no other set-up of this clone runs."""
    _GUARD.parent.mkdir(exist_ok=True)
    with _GUARD.open("w") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another set-up of this clone …", flush=True)
            fcntl.flock(guard, fcntl.LOCK_EX)
        # If this process is killed, its command keeps the lock until it ends.
        os.set_inheritable(guard.fileno(), True)  # noqa: FBT003 - takes no keyword
        yield


def _ensure_venv() -> None:
    """Create `.venv`, or keep one of the same Python with pip."""
    stamp = _read_stamp()
    # No stamp: the user made .venv. Another path: the clone was moved.
    is_of_this_clone = stamp is None or stamp.endswith(f" {ROOT}")
    # -I: modules in the user's PYTHONPATH must not replace those of .venv.
    probe = "import sys, pip; print(*sys.version_info[:2], sep='.')"
    has_pip = _read_output([str(VENV_PYTHON), "-Ic", probe]) == _MINOR
    if not (is_of_this_clone and has_pip):
        if VENV.is_symlink():  # clearing it would destroy what another clone uses
            raise SetUpError(f"{VENV} is a link to another clone's: remove the link and try again.")
        check_modules(("venv", "ensurepip"))
        import venv  # noqa: PLC0415 - Debian packages it separately

        print(f"Making .venv with Python {_MINOR} …", flush=True)
        venv.create(VENV, clear=True, symlinks=True)
        # An interrupted set-up must not look like a .venv that the user made.
        _STAMP.write_text(_UNFINISHED)
        run_step("Installing pip", [str(VENV_PYTHON), "-Im", "ensurepip", "--default-pip"])
    _STAMP.write_text(_UNFINISHED)


def _read_output(command: list[str]) -> str | None:
    """Return what a command prints, None if it fails."""
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _ensure_uv() -> None:
    """Install the locked version of uv with the pip of `.venv`, of any version."""
    import tomllib  # noqa: PLC0415 - new in Python 3.11, see check_python

    package = next(
        entry for entry in tomllib.loads(LOCK.read_text())["package"] if entry["name"] == "uv"
    )
    version, hashes = package["version"], [wheel["hash"] for wheel in package["wheels"]]
    # It prints `uv VERSION (BUILD)`.
    if (_read_output([str(UV), "--version"]) or "").split()[1:2] == [version]:
        return
    line = " ".join([f"uv=={version}", *(f"--hash={digest}" for digest in hashes)])
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # A wheel only: its source would need a Rust compiler. An interrupted install may have left
    # files, so install again.
    only = ["--no-deps", "--only-binary=:all:", "--force-reinstall", "--require-hashes"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(f"{line}\n")
        requirements.flush()
        run_step(
            f"Installing uv {version}",
            [*pip, *only, "--requirement", requirements.name],
            os.environ | {"PIP_USER": "0"},
        )


if __name__ == "__main__":
    main()
