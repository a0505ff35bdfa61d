"""The deployed API: a functions-framework process over real sockets."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from google.cloud.firestore import AsyncClient

from dev.local.emulator import Emulator
from dev.local.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable
from shared.firestore import paths
from tests.support.restaurants import new_restaurant, seed
from tests.support.staff_api import unsigned_id_token

ROOT = Path(__file__).parents[3]
_START_SECONDS = 20


@pytest.fixture
def address(emulator: Emulator, project: str) -> Iterator[str]:
    port = find_free_port()
    command = [sys.executable, "-m", "functions_framework", "--target=api", f"--port={port}"]
    environment = os.environ | {
        "FIRESTORE_EMULATOR_HOST": emulator.host,
        "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099",
        "GOOGLE_CLOUD_PROJECT": project,
        "FUNCTION_SOURCE": str(ROOT / "main.py"),
    }
    output: list[str] = []
    with run_process(command, output.append, environment) as child:
        url = f"http://{LOOPBACK}:{port}"
        wait_until_reachable(url, _START_SECONDS, child)
        yield url


async def test_the_deployed_process_serves_the_api(
    address: str, firestore: AsyncClient, project: str
) -> None:
    restaurant = new_restaurant()
    await seed(firestore, restaurant)
    await paths.staff_member_document(firestore, restaurant.id, "hanna").set({"role": "host"})
    token = {"Authorization": f"Bearer {unsigned_id_token(project, 'hanna')}"}
    async with httpx.AsyncClient(base_url=address, headers=token) as client:
        day = await client.get(f"/api/restaurants/{restaurant.id}/reservations")
        forbidden = await client.put(f"/api/restaurants/{restaurant.id}/integration", json={})
    assert (day.status_code, day.json()["reservations"]) == (200, [])
    assert (forbidden.status_code, forbidden.json()["error"]["code"]) == (403, "ROLE_REQUIRED")
