"""A file is downloaded completely or not at all; Java is found by its version."""

import contextlib
import hashlib
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dev.local.emulator_files import (
    DownloadError,
    DownloadSpec,
    download_file,
    find_java,
    parse_version,
)
from dev.local.processes import LOOPBACK, find_free_port

BODY = bytes(range(256)) * 8192
UNREACHABLE_URL = f"http://{LOOPBACK}:{find_free_port()}/"


class FileServer(BaseHTTPRequestHandler):
    """Serve the body at /whole, half of it at /cut, and nothing elsewhere."""

    def do_GET(self) -> None:
        if self.path not in {"/whole", "/cut"}:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a client may refuse the rest
            self.wfile.write(BODY if self.path == "/whole" else BODY[: len(BODY) // 2])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing."""


@pytest.fixture(scope="module")
def file_server() -> Iterator[str]:
    """The address of a server of files."""
    with ThreadingHTTPServer((LOOPBACK, 0), FileServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def complete_download(file_server: str) -> DownloadSpec:
    return DownloadSpec(f"{file_server}/whole", len(BODY), hashlib.sha256(BODY).hexdigest())


def test_a_file_with_the_right_checksum_arrives(
    complete_download: DownloadSpec, tmp_path: Path
) -> None:
    target = tmp_path / "cache" / "file.jar"
    download_file(complete_download, target)
    assert target.read_bytes() == BODY
    assert [path.name for path in target.parent.iterdir()] == ["file.jar"]


@pytest.mark.parametrize(
    "wrong,message",
    [
        pytest.param({"sha256": "0" * 64}, "checksum", id="other content"),
        pytest.param({"size_bytes": 1000}, "checksum", id="longer than expected"),
        pytest.param({"url": "{}/cut"}, "/cut ", id="cut"),
        pytest.param({"url": "{}/nowhere"}, "/nowhere could not be fetched .*404", id="missing"),
        pytest.param({"url": UNREACHABLE_URL}, "could not be fetched", id="unreachable"),
    ],
)
def test_a_failed_download_is_reported_and_leaves_no_file(
    complete_download: DownloadSpec,
    file_server: str,
    tmp_path: Path,
    wrong: dict[str, Any],
    message: str,
) -> None:
    download = replace(complete_download, **wrong)
    download = replace(download, url=download.url.format(file_server))
    with pytest.raises(DownloadError, match=message):
        download_file(download, tmp_path / "file.jar")
    assert not list(tmp_path.iterdir())


def test_progress_is_printed_in_tenths(
    complete_download: DownloadSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    download_file(complete_download, tmp_path / "file.jar")
    assert "  50 %\n  100 %\n" in capsys.readouterr().out


def make_java(home: Path, version: str) -> Path:
    """Create a program with the output of `java -version`."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.mark.parametrize(
    "text,version",
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ('java version "1.8.0_202"', 8),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", 0),
    ],
)
def test_a_version_is_read_from_what_java_prints(text: str, version: int) -> None:
    assert parse_version(text) == version


@pytest.fixture
def java_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Java 22 on the path; JAVA_HOME is a folder without Java."""
    program = make_java(tmp_path / "path", "22.0.1")
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    return program


@pytest.mark.usefixtures("java_on_path")
def test_java_home_goes_before_the_path(tmp_path: Path) -> None:
    at_home = make_java(tmp_path / "home", "21.0.1")
    assert find_java(17) == at_home


def test_a_java_home_that_is_too_old_is_passed_over(java_on_path: Path, tmp_path: Path) -> None:
    make_java(tmp_path / "home", "1.8.0_202")
    assert find_java(17) == java_on_path


def test_a_java_home_without_java_is_passed_over(java_on_path: Path) -> None:
    assert find_java(17) == java_on_path


@pytest.mark.usefixtures("java_on_path")
def test_no_java_new_enough_is_no_java() -> None:
    assert find_java(999) is None
