"""The rules deny every direct access, as enforced by the emulator."""

import base64
import json
import time
from pathlib import Path

import httpx
import pytest

from dev.local.demo_staff import DEMO_STAFF_UIDS, build_unsigned_token
from dev.local.emulator import Emulator

RULES = Path(__file__).parents[2] / "firestore.rules"
DOCUMENTS = (
    "restaurants/r1",
    "restaurants/r1/reservations/opentable-1",
    "restaurants/r1/reservations/opentable-1/ledgerEvents/seq-1",
    "restaurants/r1/integrations/opentable",
    "restaurants/r1/staff/demo-manager",
    "restaurants/r1/openTableQuarantine/q1",
    "openTableRids/555001",
    "anything/else",
)
OWNER = "owner"  # the emulator's token of an administrator, exempt from rules


@pytest.fixture
async def direct(emulator: Emulator, project: str) -> httpx.AsyncClient:
    """A client of the emulator's REST interface, which applies the rules."""
    at = f"http://{emulator.host}"
    rules = {"rules": {"files": [{"name": RULES.name, "content": RULES.read_text()}]}}
    async with httpx.AsyncClient() as client:
        put = await client.put(f"{at}/emulator/v1/projects/{project}:securityRules", json=rules)
    assert put.status_code == 200, put.text
    return httpx.AsyncClient(base_url=f"{at}/v1/projects/{project}/databases/(default)/documents/")


def caller(project: str, who: str) -> dict[str, str]:
    """Return the headers of an anonymous user, a manager, an operator or an administrator."""
    now = int(time.time())
    tokens = {
        "manager": build_unsigned_token(project, DEMO_STAFF_UIDS["manager"], now),
        "operator": operators_token(project, now),
        "administrator": OWNER,
    }
    return {"Authorization": f"Bearer {tokens[who]}"} if who in tokens else {}


def operators_token(project: str, now: int) -> str:
    """Return the token of a user with the claim of an operator."""
    head, claims, _ = build_unsigned_token(project, "olga", now).split(".")
    payload = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"operator": True}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip('=')}."


@pytest.mark.parametrize("who", ["nobody", "manager", "operator"])
@pytest.mark.parametrize("path", DOCUMENTS)
async def test_no_client_reads_or_writes_a_document(
    path: str, who: str, direct: httpx.AsyncClient, project: str
) -> None:
    headers = caller(project, who)
    field = {"fields": {"role": {"stringValue": "manager"}}}
    async with direct:
        responses = [
            await direct.get(path, headers=headers),
            await direct.patch(path, headers=headers, json=field),
            await direct.delete(path, headers=headers),
        ]
    assert [response.status_code for response in responses] == [403, 403, 403]


@pytest.mark.parametrize("who", ["nobody", "manager", "operator"])
async def test_no_client_lists_or_queries(
    who: str, direct: httpx.AsyncClient, project: str
) -> None:
    headers = caller(project, who)
    everything = {"from": [{"collectionId": "reservations", "allDescendants": True}]}
    async with direct:
        listed = await direct.get("restaurants", headers=headers)
        root = str(direct.base_url).rstrip("/")
        queried = await direct.post(
            f"{root}:runQuery", headers=headers, json={"structuredQuery": everything}
        )
    assert (listed.status_code, queried.status_code) == (403, 403)


async def test_the_emulator_accepts_an_administrator(
    direct: httpx.AsyncClient, project: str
) -> None:
    # Otherwise the rejections above could have another cause.
    async with direct:
        response = await direct.patch(
            "restaurants/r1", headers=caller(project, "administrator"), json={"fields": {}}
        )
    assert response.status_code == 200
