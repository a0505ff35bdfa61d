"""A known vulnerability fails the check; an unreachable service is reported."""

import json
import sys
from collections.abc import Iterator

import pytest

from dev.dependencies.audit import NotAuditedError, audit
from dev.local.processes import LOOPBACK, find_free_port
from tests.dev.commands import run_program
from tests.dev.http_server import serve_http

SAFE = f"demo==1.0 --hash=sha256:{'0' * 64}\n"
VULNERABLE = f"{SAFE}leaky==2.0 --hash=sha256:{'0' * 64}\n"


def respond_to_query(_path: str, body: bytes) -> tuple[int, bytes]:
    """Implement OSV's query protocol with one vulnerability."""
    affected = [{"package": {"name": "leaky", "ecosystem": "PyPI"}}]
    vulnerability = {"id": "PYSEC-1", "summary": "It leaks.", "affected": affected}
    is_affected = json.loads(body)["package"]["name"] == "leaky"
    return 200, json.dumps({"vulns": [vulnerability]} if is_affected else {}).encode()


@pytest.fixture
def vulnerability_feed() -> Iterator[str]:
    with serve_http(respond_to_query) as url:
        yield f"{url}/v1/query"


def test_packages_without_a_known_vulnerability_pass(vulnerability_feed: str) -> None:
    assert audit(vulnerability_feed, SAFE)


def test_a_known_vulnerability_fails(
    vulnerability_feed: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not audit(vulnerability_feed, VULNERABLE)
    assert "PYSEC-1" in capfd.readouterr().out


def test_an_unreachable_service_is_reported() -> None:
    with pytest.raises(NotAuditedError, match="cannot be reached"):
        audit(f"http://{LOOPBACK}:{find_free_port()}/v1/query", SAFE)


@pytest.mark.parametrize("options,code", [((), 0), (("--strict",), 1)])
def test_only_the_build_fails_where_nothing_was_looked_up(
    options: tuple[str, ...], code: int
) -> None:
    nowhere = f"http://{LOOPBACK}:{find_free_port()}/v1/query"
    command = [sys.executable, "-m", "dev.dependencies.audit", "--service", nowhere]
    done = run_program(*command, *options)
    assert done.returncode == code
    assert "NOT AUDITED" in done.stdout
