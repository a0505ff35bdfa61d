"""Download files with a known size and checksum."""

import hashlib
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO

_SOCKET_TIMEOUT_SECONDS = 30
_MAX_DOWNLOAD_SECONDS = 1800
_CHUNK_BYTES = 1 << 20
_MEGABYTE_BYTES = 1_000_000


class DownloadError(RuntimeError):
    """A file could not be downloaded completely; the message says why."""


@dataclass(frozen=True, slots=True)
class DownloadSpec:
    """The address of a file, its size and its checksum (SHA-256, lower-case hex)."""

    url: str
    size_bytes: int
    sha256: str


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
