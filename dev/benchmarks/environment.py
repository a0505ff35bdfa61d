"""Provide emulator, restaurants, OpenTable, calls and process counters for all benchmarks."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from google.cloud.firestore import AsyncClient

from dev.benchmarks.load_generator import Tenant
from dev.local.emulator import start_emulator
from dev.local.processes import (
    LOOPBACK,
    FunctionServer,
    find_free_port,
    run_process,
    wait_until_reachable,
)
from sandbox.webhook_senders import encode_signing_secret
from shared.firestore import paths

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Places behind the name in /proc/PID/stat, see proc(5).
_GROUP_FIELD, _USER_TIME_FIELD, _SYSTEM_TIME_FIELD = 2, 11, 12
BENCHMARK_PROJECT = "demo-bench"
# Nothing listens at this address: the verification of a token sends no request to it.
AUTH_EMULATOR_HOST = "127.0.0.1:9099"
_SECRET_ID = "bench"  # noqa: S105 -- its id, not the secret
_SETTINGS = {
    "enabled": True,
    "timeZone": "America/New_York",
    "webhookAuth": ["standard-webhooks"],
}
_TENANTS_PER_BATCH = 200
_START_TIMEOUT_SECONDS = 60
_TIMEOUT_SECONDS = 3_000
_HEAP_GIB = 8  # a window of 100,000 reservations, each with its journal


@dataclass(frozen=True, slots=True)
class BenchmarkEnvironment:
    """The environment of a measurement; all relays sign with `signing_secret`."""

    host: str
    secrets_file: Path
    signing_secret: str

    def create_client(self) -> AsyncClient:
        """Return a client of the benchmark's project."""
        return AsyncClient(project=BENCHMARK_PROJECT)

    def build_variables(self, opentable_url: str | None = None, **more: str) -> dict[str, str]:
        """Return the environment variables of a served function, which may call OpenTable."""
        urls = {"OPENTABLE_API_URL": opentable_url, "OPENTABLE_OAUTH_URL": opentable_url}
        return {
            "GOOGLE_CLOUD_PROJECT": BENCHMARK_PROJECT,
            "FIRESTORE_EMULATOR_HOST": self.host,
            "SECRETS_FILE": str(self.secrets_file),
            "OPENTABLE_PARTNER_SECRET": _SECRET_ID,
            **{name: url for name, url in urls.items() if url is not None},
            **more,
        }

    def seed_tenants(self, count: int) -> list[Tenant]:
        """Store so many restaurants with settings and routes, and return them."""
        tenants = [
            Tenant(f"restaurant-{n:05}", f"{500_000 + n}", self.signing_secret)
            for n in range(count)
        ]
        asyncio.run(self._store_tenants(tenants))
        return tenants

    async def _store_tenants(self, tenants: Sequence[Tenant]) -> None:
        client = self.create_client()
        for start in range(0, len(tenants), _TENANTS_PER_BATCH):
            batch = client.batch()
            for tenant in tenants[start : start + _TENANTS_PER_BATCH]:
                settings = _SETTINGS | {"restaurantId": tenant.rid}
                batch.set(paths.integration_document(client, tenant.id), settings)
                route = {"restaurantId": tenant.id}
                batch.set(paths.rid_claim_document(client, tenant.rid), route)
            await batch.commit()


@contextmanager
def start_benchmark_environment(*, allow_gc_pauses: bool = True) -> Iterator[BenchmarkEnvironment]:
    """Run an emulator (see `start_emulator`) with a signing secret for a `with` block."""
    with (
        start_emulator(
            heap_gib=_HEAP_GIB, allow_gc_pauses=allow_gc_pauses, optimize=True
        ) as emulator,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
    ):
        # The benchmarks' own clients find the emulator through this variable only.
        os.environ["FIRESTORE_EMULATOR_HOST"] = emulator.host
        signing_secret = encode_signing_secret(os.urandom(32))
        secrets_file = Path(folder, "secrets.json")
        payload = {"webhookSecrets": [signing_secret], "clientId": "me", "clientSecret": "hush"}
        secrets_file.write_text(json.dumps({_SECRET_ID: payload}))
        yield BenchmarkEnvironment(emulator.host, secrets_file, signing_secret)


@contextmanager
def serve_fake_opentable() -> Iterator[str]:
    """Serve an OpenTable for the length of a `with` block; yield its address."""
    port = find_free_port()
    url = f"http://{LOOPBACK}:{port}"
    command = [sys.executable, "-m", "dev.benchmarks.fake_opentable", "--port", str(port)]
    with run_process(command, print) as child:
        wait_until_reachable(f"{url}/token", _START_TIMEOUT_SECONDS, child)
        yield url


def set_api_latency(opentable_url: str, seconds: float) -> None:
    """Delay each later response of the fake OpenTable's API."""
    url = f"{opentable_url}/_latency"
    response = requests.post(url, params={"seconds": seconds}, timeout=_TIMEOUT_SECONDS)
    response.raise_for_status()


def call_served_function(function: FunctionServer, **body: object) -> dict[str, Any]:
    """Return a function's response to a body with these fields."""
    response = requests.post(function.url, json=body, timeout=_TIMEOUT_SECONDS)
    response.raise_for_status()
    return dict(response.json())


def measure_seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def read_cpu_seconds(group: int) -> float:
    """Return the user and system processor time of a process group, in seconds."""
    stats = (stat for _, stat in _iterate_processes(group))
    ticks = sum(int(stat[_USER_TIME_FIELD]) + int(stat[_SYSTEM_TIME_FIELD]) for stat in stats)
    return ticks / _TICKS_PER_SECOND


def read_peak_memory_mib(group: int) -> float:
    """Return the largest peak memory of any process in a group, in MiB."""
    peaks = [0]
    for process, _ in _iterate_processes(group):
        lines = (process / "status").read_text().splitlines()
        peaks += [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return max(peaks) / 1024


def _iterate_processes(group: int) -> Iterator[tuple[Path, list[str]]]:
    for process in _PROC.glob("[0-9]*"):
        try:
            stat = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # the process ended in between
        if int(stat[_GROUP_FIELD]) == group:
            yield process, stat
