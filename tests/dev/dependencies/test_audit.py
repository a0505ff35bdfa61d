"""A known vulnerability fails the check; an unreachable service is reported."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from dev.dependencies.audit import NotAuditedError, audit
from dev.local.processes import LOOPBACK, find_free_port

PINNED = f"demo==1.0 --hash=sha256:{'0' * 64}\nother==2.0 --hash=sha256:{'0' * 64}\n"
SECONDS = 60


class Feed(BaseHTTPRequestHandler):
    """Implement OSV's query protocol with one vulnerability."""

    known: str | None = None

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}}]
        vulnerability = {"id": "PYSEC-1", "summary": "It leaks.", "affected": affected}
        body = json.dumps({"vulns": [vulnerability]} if name == self.known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing at the terminal."""


@pytest.fixture
def vulnerability_feed() -> Iterator[str]:
    with ThreadingHTTPServer((LOOPBACK, 0), Feed) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/v1/query"
        server.shutdown()


def test_packages_without_a_known_vulnerability_pass(vulnerability_feed: str) -> None:
    assert audit(vulnerability_feed, PINNED)


def test_a_known_vulnerability_fails(
    vulnerability_feed: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Feed, "known", "other")
    assert not audit(vulnerability_feed, PINNED)
    assert "PYSEC-1" in capfd.readouterr().out


def test_an_unreachable_service_is_reported() -> None:
    with pytest.raises(NotAuditedError, match="cannot be reached"):
        audit(f"http://{LOOPBACK}:{find_free_port()}/v1/query", PINNED)


@pytest.mark.parametrize("options,code", [((), 0), (("--strict",), 1)])
def test_only_the_build_fails_where_nothing_was_looked_up(
    options: tuple[str, ...], code: int
) -> None:
    nowhere = f"http://{LOOPBACK}:{find_free_port()}/v1/query"
    command = [sys.executable, "-m", "dev.dependencies.audit", "--service", nowhere, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == code
    assert "NOT AUDITED" in done.stdout
