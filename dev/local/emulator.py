"""Find or download the Firestore emulator, and start it.

Run as `python -m dev.local.emulator [--port N | --prepare]`.
"""

import argparse
import collections
import contextlib
import os
import re
import shutil
import signal
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.bootstrap import find_cache_folder
from dev.local.download import DownloadError, DownloadSpec, download_file
from dev.local.java import OLDEST_JAVA, Java, JavaMissingError, ensure_java
from dev.local.processes import (
    LOOPBACK,
    ProcessFailedError,
    find_free_port,
    is_port_free,
    run_process,
    wait_until_reachable,
)

EMULATOR_MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"

DEFAULT_SDK_ROOTS = (
    "~/google-cloud-sdk",
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
)

# From lib/emulator/downloadableEmulatorInfo.json of the npm package firebase-tools 15.34.2.
PINNED_EMULATOR_JAR = DownloadSpec(
    url="https://storage.googleapis.com/firebase-preview-drop/emulator/"
    "cloud-firestore-emulator-v1.22.0.jar",
    size_bytes=136_707_194,
    sha256="9b6498b7f62714d67f48f59b3818883cd682dbcd46b9f59511de81c97bb5166c",
)

_JAR_PATH_IN_SDK = Path("platform", "cloud-firestore-emulator", "cloud-firestore-emulator.jar")
_CLASS_FILE_VERSION_OFFSET = 44  # Java 17 writes class files of version 61 (JVM specification, 4.1)
_DEFAULT_HEAP_GIB = 2  # enough for some hundred thousand small documents
_START_TIMEOUT_SECONDS = 60
_CLEAR_TIMEOUT_SECONDS = 30
_MAX_OUTPUT_LINES = 20


class EmulatorError(RuntimeError):
    """The emulator cannot run; the message says what to do."""


class JarMissingError(EmulatorError):
    """The emulator is missing and could not be downloaded; the message says what to do."""


def ensure_jar(download: DownloadSpec = PINNED_EMULATOR_JAR) -> Path:
    """Return the emulator's jar; download it to the user's cache if the machine has none.

    Raises:
        JarMissingError: It could not be downloaded.
    """
    existing_jar = find_jar()
    if existing_jar:
        return existing_jar
    cached_jar = find_cache_folder() / "opentable-ledger" / download.url.rsplit("/", 1)[-1]
    if not cached_jar.is_file():
        try:
            download_file(download, cached_jar)
        except DownloadError as error:
            raise JarMissingError(
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
    """Return the oldest Java feature release for a jar, from its main class.

    Raises:
        JarMissingError: The file is not an emulator's jar.
    """
    try:
        with (
            zipfile.ZipFile(jar) as archive,
            archive.open(f"{EMULATOR_MAIN_CLASS.replace('.', '/')}.class") as main_class_file,
        ):
            # Bytes 6 and 7 of a class file are its version.
            class_version = int.from_bytes(main_class_file.read(8)[6:])
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise JarMissingError(
            f"{jar} is not a Firestore emulator: delete it and try again."
        ) from error
    return max(OLDEST_JAVA, class_version - _CLASS_FILE_VERSION_OFFSET)


def _expand(path: str) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's raises if there is no home


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running Firestore emulator; `host` is the value of FIRESTORE_EMULATOR_HOST."""

    host: str

    def clear(self, project: str) -> None:
        """Delete every document of a project's default database.

        Args:
            project: Google Cloud project id; it need not exist anywhere.

        Raises:
            OSError: The emulator does not answer.
        """
        path = f"/emulator/v1/projects/{project}/databases/(default)/documents"
        request = urllib.request.Request(f"http://{self.host}{path}", method="DELETE")
        urllib.request.urlopen(request, timeout=_CLEAR_TIMEOUT_SECONDS).close()


@contextlib.contextmanager
def start_emulator(
    port: int | None = None,
    heap_gib: int = _DEFAULT_HEAP_GIB,
    *,
    allow_gc_pauses: bool = True,
    optimize: bool = False,
) -> Iterator[Emulator]:
    """Run a Firestore emulator for a `with` block.

    Args:
        port: TCP port on the loopback interface; any free one when None.
        heap_gib: Limit of the documents' memory; the emulator almost stops beyond it.
        allow_gc_pauses: Allow pauses of a tenth of a second and more, which cost the least
            processor time.
        optimize: Let Java compile frequent code a second time. That takes half a minute of
            processor time and pays off after hours.

    Raises:
        EmulatorError: The port is taken, a file is missing, or it did not start.
    """
    port = port or find_free_port()
    if not is_port_free(port):
        raise EmulatorError(f"Port {port} is taken: stop what listens there or choose another.")
    host = f"{LOOPBACK}:{port}"
    lines = collections.deque[str](maxlen=_MAX_OUTPUT_LINES)
    java, jar = ensure_emulator_files()
    address = ["--host", LOOPBACK, "--port", str(port)]
    options = [f"-Xmx{heap_gib}g"]
    if not allow_gc_pauses:
        options.append("-XX:+UseZGC")
    if not optimize:
        options.append("-XX:TieredStopAtLevel=1")
    # Name the main class: the Cloud SDK's jar has no manifest entry for it. Do not use the
    # SDK's launcher: its end leaves Java running.
    command = [str(java.executable), *options, "-cp", str(jar), EMULATOR_MAIN_CLASS, *address]
    with run_process(command, lines.append) as child:
        try:
            wait_until_reachable(f"http://{host}/", _START_TIMEOUT_SECONDS, child)
        except ProcessFailedError as error:
            output = "\n".join(lines)
            raise EmulatorError(f"The emulator did not start. {error}\n{output}") from error
        yield Emulator(host)


def ensure_emulator_files() -> tuple[Java, Path]:
    """Return a Java runtime and the emulator's jar; download missing ones.

    Raises:
        EmulatorError: A download failed.
    """
    jar = ensure_jar()
    try:
        return ensure_java(read_required_java_version(jar)), jar
    except JavaMissingError as error:
        raise EmulatorError(str(error)) from error


def main() -> None:
    """Run the emulator until interrupted, or only download its files."""
    parser = argparse.ArgumentParser(prog="python -m dev.local.emulator", description=__doc__)
    parser.add_argument(
        "--port", type=int, help="port on the loopback interface (default: any free one)"
    )
    parser.add_argument("--prepare", action="store_true", help="download missing files, and exit")
    options = parser.parse_args()
    try:
        if options.prepare:
            ensure_emulator_files()
        else:
            with start_emulator(options.port) as emulator, contextlib.suppress(KeyboardInterrupt):
                print(f"export FIRESTORE_EMULATOR_HOST={emulator.host}", flush=True)
                signal.pause()
    except EmulatorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
