"""The security rules compile and deny all client access."""

import uuid

import httpx
import pytest

from dev.bootstrap import ROOT
from dev.local.emulator import Emulator

RULES = (ROOT / "firestore.rules").read_text()
SECONDS = 30


def put_rules(emulator: Emulator, project: str, rules: str) -> httpx.Response:
    """Have the emulator take rules for one project."""
    url = f"http://{emulator.host}/emulator/v1/projects/{project}:securityRules"
    return httpx.put(
        url, json={"rules": {"files": [{"name": "r", "content": rules}]}}, timeout=SECONDS
    )


@pytest.fixture
def documents(emulator: Emulator) -> str:
    """The address of a database with our rules."""
    project = f"rules-{uuid.uuid4().hex[:16]}"
    assert put_rules(emulator, project, RULES).status_code == 200
    return f"http://{emulator.host}/v1/projects/{project}/databases/(default)/documents"


def test_rules_that_do_not_compile_would_be_refused(emulator: Emulator) -> None:
    assert put_rules(emulator, "rules-broken", RULES.replace("allow", "alow")).status_code == 400


def test_no_client_reads_or_writes(documents: str) -> None:
    url = f"{documents}/restaurants/r/reservations/opentable-1"
    assert httpx.get(url, timeout=SECONDS).status_code == 403
    assert httpx.patch(url, json={"fields": {}}, timeout=SECONDS).status_code == 403


def test_the_functions_are_not_governed_by_rules(documents: str) -> None:
    url = f"{documents}/restaurants/r/reservations/opentable-1"
    owner = {"Authorization": "Bearer owner"}
    assert httpx.get(url, headers=owner, timeout=SECONDS).status_code == 404
