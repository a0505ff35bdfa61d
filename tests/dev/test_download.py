"""A file arrives whole and unaltered, or not at all."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dev.download import Download, DownloadError, fetch
from dev.processes import LOOPBACK, free_port

BODY = bytes(range(256)) * 8192


class Shelf(BaseHTTPRequestHandler):
    """Serves the body at /whole, half of what it announces at /cut, and nothing elsewhere."""

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
def shelf() -> Iterator[str]:
    """The address of a server of files."""
    with ThreadingHTTPServer((LOOPBACK, 0), Shelf) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def whole(shelf: str) -> Download:
    return Download(f"{shelf}/whole", len(BODY), hashlib.sha256(BODY).hexdigest())


def test_a_file_with_the_right_checksum_arrives(whole: Download, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "file.jar"
    fetch(whole, target)
    assert target.read_bytes() == BODY


def test_nothing_but_the_file_is_left_behind(whole: Download, tmp_path: Path) -> None:
    fetch(whole, tmp_path / "file.jar")
    assert [path.name for path in tmp_path.iterdir()] == ["file.jar"]


def test_a_wrong_checksum_leaves_no_file(whole: Download, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="checksum"):
        fetch(replace(whole, sha256="0" * 64), tmp_path / "file.jar")
    assert not list(tmp_path.iterdir())


def test_a_cut_body_leaves_no_file(whole: Download, shelf: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError):
        fetch(replace(whole, url=f"{shelf}/cut"), tmp_path / "file.jar")
    assert not list(tmp_path.iterdir())


def test_a_body_longer_than_expected_is_refused(whole: Download, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="checksum"):
        fetch(replace(whole, size=1000), tmp_path / "file.jar")


def test_a_missing_file_is_told_by_its_address(whole: Download, shelf: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"/nowhere could not be fetched .*404"):
        fetch(replace(whole, url=f"{shelf}/nowhere"), tmp_path / "file.jar")


def test_a_server_that_is_not_there_is_told(whole: Download, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="could not be fetched"):
        fetch(replace(whole, url=f"http://{LOOPBACK}:{free_port()}/"), tmp_path / "file.jar")


def test_progress_is_told_by_tenths(
    whole: Download, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(whole, tmp_path / "file.jar")
    assert "  50 %\n  100 %\n" in capsys.readouterr().out
