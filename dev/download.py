"""Downloads a file whose length and checksum are known beforehand."""

import hashlib
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO

_SILENCE_SECONDS = 30
_DOWNLOAD_SECONDS = 1800
_CHUNK_BYTES = 1 << 20
_MEGABYTE = 1_000_000


class DownloadError(RuntimeError):
    """A file could not be fetched whole and unaltered; the text says why."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file to be had from the net.

    Attributes:
        url: Where it lies.
        size: Its length in bytes, at least 1.
        sha256: Its checksum in lower-case hex digits.
    """

    url: str
    size: int
    sha256: str


def fetch(download: Download, target: Path) -> None:
    """Download a file, which appears under its name only when it is whole and unaltered.

    Args:
        download: What to fetch.
        target: The file to make; its folder is made too.

    Raises:
        DownloadError: It could not be fetched, or is not what was expected; no file is left.
    """
    print(f"Fetching {download.url} ({download.size // _MEGABYTE} MB) …", flush=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            part = Path(folder, target.name)
            digest = _save(download, part)
            if digest != download.sha256:
                raise DownloadError(f"{download.url} has checksum {digest}, not the expected one.")
            part.replace(target)
    except (OSError, HTTPException) as error:
        raise DownloadError(f"{download.url} could not be fetched ({error}).") from error


def _save(download: Download, part: Path) -> str:
    digest = hashlib.sha256()
    with (
        urllib.request.urlopen(download.url, timeout=_SILENCE_SECONDS) as answer,
        part.open("wb") as file,
    ):
        for chunk in _chunks(answer, download.size):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _chunks(answer: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield the body, at most `size` bytes and one more to betray an excess, telling each tenth."""
    deadline = time.monotonic() + _DOWNLOAD_SECONDS
    done = told = 0
    while done <= size and (chunk := answer.read(min(_CHUNK_BYTES, size + 1 - done))):
        if time.monotonic() > deadline:
            raise DownloadError(f"The download took longer than {_DOWNLOAD_SECONDS} seconds.")
        yield chunk
        done += len(chunk)
        if (tenth := done * 10 // size) > told:
            told = tenth
            print(f"  {tenth * 10} %", flush=True)
