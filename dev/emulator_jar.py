"""Finds the Firestore emulator on this machine, or downloads the one that firebase-tools pins."""

import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from dev.bootstrap import cache_folder
from dev.download import DownloadError, DownloadSpec, download_file
from dev.java import OLDEST_JAVA

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


class JarMissingError(RuntimeError):
    """The emulator was not found and could not be fetched; the text says what to do."""


def ensure_jar(download: DownloadSpec = PINNED_EMULATOR_JAR) -> Path:
    """Return the emulator's jar, downloaded into the user's cache where the machine has none.

    Args:
        download: What to fetch if need be.

    Raises:
        JarMissingError: There is none and none could be fetched.
    """
    existing_jar = find_jar()
    if existing_jar:
        return existing_jar
    cached_jar = cache_folder() / "opentable-ledger" / download.url.rsplit("/", 1)[-1]
    if not cached_jar.is_file():
        _download_jar(download, cached_jar)
    return cached_jar


def find_jar() -> Path | None:
    """Return the jar of the Cloud SDK, else the newest in firebase-tools' cache, else None."""
    for root in _iterate_sdk_roots():
        if (jar := root / _JAR_PATH_IN_SDK).is_file():
            return jar
    jars = _get_firebase_cache().glob("cloud-firestore-emulator-*.jar")
    return max(jars, key=_parse_version, default=None)


def read_required_java_version(jar: Path) -> int:
    """Return the oldest Java feature release that runs a jar, told by its main class.

    Args:
        jar: The emulator's jar.

    Raises:
        JarMissingError: The file is not an emulator's jar.
    """
    try:
        with (
            zipfile.ZipFile(jar) as archive,
            archive.open(f"{EMULATOR_MAIN_CLASS.replace('.', '/')}.class") as main_class_file,
        ):
            class_version = int.from_bytes(main_class_file.read(8)[6:])
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise JarMissingError(
            f"{jar} is no Firestore emulator: delete it and try again."
        ) from error
    return max(OLDEST_JAVA, class_version - _CLASS_FILE_VERSION_OFFSET)


def _iterate_sdk_roots() -> Iterator[Path]:
    if root := os.environ.get("CLOUDSDK_ROOT"):
        yield Path(root)
    if gcloud := shutil.which("gcloud"):
        yield Path(gcloud).resolve().parent.parent
    yield from map(_expand, DEFAULT_SDK_ROOTS)


def _get_firebase_cache() -> Path:
    return _expand(os.environ.get("FIREBASE_EMULATORS_PATH") or "~/.cache/firebase/emulators")


def _expand(path: str) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's raises if there is no home


def _parse_version(jar: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", jar.stem)]


def _download_jar(download: DownloadSpec, target: Path) -> None:
    try:
        download_file(download, target)
    except DownloadError as error:
        raise JarMissingError(
            f"The Firestore emulator is missing: {error} Install the Cloud SDK's component "
            "`cloud-firestore-emulator`, or set FIREBASE_EMULATORS_PATH to a folder that holds "
            f"{target.name}, then try again."
        ) from error
