"""The deployed API: a functions-framework process over real sockets."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from google.cloud.firestore import AsyncClient

from dev.local.emulator import Emulator
from dev.local.processes import LOOPBACK, find_free_port, run_process, wait_until_reachable
from functions.api.app import OPENAPI_PATH
from shared.firestore import paths
from tests.support.restaurants import new_restaurant, seed
from tests.support.staff_api import unsigned_id_token

ROOT = Path(__file__).parents[3]
_START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class ServedApi:
    """A process that serves the API."""

    url: str
    process_id: int

    def cpu_seconds(self) -> float:
        """Return the processor time of the process and its workers."""
        processes = [self.process_id]
        for process_id in processes:  # grows: the workers are children of the process
            children = Path(f"/proc/{process_id}/task/{process_id}/children")
            processes += map(int, children.read_text().split())
        ticks = 0
        for process_id in processes:
            stat = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, stat[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def served_api(emulator: Emulator, project: str) -> Iterator[ServedApi]:
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
        yield ServedApi(url, child.pid)


async def test_the_deployed_process_serves_the_api(
    served_api: ServedApi, firestore: AsyncClient, project: str
) -> None:
    restaurant = new_restaurant()
    await seed(firestore, restaurant)
    await paths.staff_member_document(firestore, restaurant.id, "hanna").set({"role": "host"})
    token = {"Authorization": f"Bearer {unsigned_id_token(project, 'hanna')}"}
    async with httpx.AsyncClient(base_url=served_api.url, headers=token) as client:
        day = await client.get(f"/api/restaurants/{restaurant.id}/reservations")
        forbidden = await client.put(f"/api/restaurants/{restaurant.id}/integration", json={})
    assert (day.status_code, day.json()["reservations"]) == (200, [])
    assert (forbidden.status_code, forbidden.json()["error"]["code"]) == (403, "ROLE_REQUIRED")


ADDRESS = "/api/restaurants/r1/integration"
OTHER_PROJECT = unsigned_id_token("another-project", "eve")
CALLS = {
    "no token": (ADDRESS, "", 401),
    "garbage": (ADDRESS, "Bearer a.b.c", 401),
    "another project": (ADDRESS, f"Bearer {OTHER_PROJECT}", 401),
    "OpenAPI document": (OPENAPI_PATH, "", 200),
}
CALL_COUNT = 250
MAX_ROUND_COUNT = 12
MAX_CPU_SECONDS = 0.001


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
async def test_an_unauthenticated_call_costs_less_than_a_millisecond(
    served_api: ServedApi,
) -> None:
    used = {}
    async with httpx.AsyncClient(base_url=served_api.url) as client:
        large = await client.put(ADDRESS, content=b"x" * 200_000)
        assert large.status_code == 401
        for case, (path, authorization, status) in CALLS.items():
            headers = {"Authorization": authorization}
            await client.get(path, headers=headers)
            rounds: list[float] = []
            # Other processes of the machine add to a round: one round within the limit suffices.
            while len(rounds) < MAX_ROUND_COUNT and min(rounds, default=1) >= MAX_CPU_SECONDS:
                before = served_api.cpu_seconds()
                answers = [await client.get(path, headers=headers) for _ in range(CALL_COUNT)]
                rounds.append((served_api.cpu_seconds() - before) / CALL_COUNT)
                assert {answer.status_code for answer in answers} == {status}
            used[case] = min(rounds)
    assert all(0 < seconds < MAX_CPU_SECONDS for seconds in used.values()), used
