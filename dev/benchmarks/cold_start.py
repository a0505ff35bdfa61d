"""Measure a cold start: import of a function and first request, against import of its libraries."""

import json
import subprocess
import sys
import time
import venv
from contextlib import ExitStack
from pathlib import Path

from dev.benchmarks.environment import (
    AUTH_EMULATOR_HOST,
    BENCHMARK_PROJECT,
    serve_fake_opentable,
    start_benchmark_environment,
)
from dev.benchmarks.load_generator import Tenant, build_created_envelope, build_signature_headers
from dev.benchmarks.results import (
    BenchmarkResult,
    MeasurementPair,
    build_ratio_result,
    require_at_most,
)
from dev.bootstrap import ROOT, UV, fingerprint, run_step, uv_environment
from dev.local.demo_staff import build_unsigned_token

_ROUNDS, _QUICK_ROUNDS = 15, 5
_CHILD_SCRIPT = Path(__file__).with_name("cold_start_child.py")
_REQUIREMENTS = ROOT / "requirements.txt"
_ENVIRONMENT_FOLDER = ROOT / "build" / "bench"
_TIMEOUT_SECONDS = 120
_MILLISECONDS_PER_SECOND = 1000
# A person waits for the staff API, and production keeps one instance of it warm.
_MAX_RATIOS = {"api": 2.0}
_EXPECTED_STATUSES = {
    "opentable_webhook": "200",
    "opentable_poll": "200",
    "opentable_reconcile": "200",
    "api": "403",
}


def measure_cold_start(*, quick: bool) -> tuple[list[BenchmarkResult], list[str]]:
    """Return the figures of the start, one a function."""
    python = deployed_python()
    with ExitStack() as stack:
        environment = stack.enter_context(start_benchmark_environment())
        url = stack.enter_context(serve_fake_opentable())
        [tenant] = environment.seed_tenants(1)
        variables = environment.build_variables(
            url, FIREBASE_AUTH_EMULATOR_HOST=AUTH_EMULATOR_HOST, PYTHONPATH=str(ROOT)
        )
        results = []
        for target in _EXPECTED_STATUSES:
            request = _build_request(target, tenant)
            _run_child(python, target, request, variables)  # a cold emulator would count as start
            pairs = []
            for _ in range(_QUICK_ROUNDS if quick else _ROUNDS):
                floor_milliseconds = _run_child(python, "", "", variables)
                milliseconds = _run_child(python, target, request, variables)
                pairs.append(MeasurementPair(floor_milliseconds, milliseconds))
            name = f"start: import and first request of {target}"
            limit = require_at_most(_MAX_RATIOS.get(target, 1.30))
            results.append(build_ratio_result(name, "ms", limit, pairs))
    return results, []


def _build_request(target: str, tenant: Tenant) -> str:
    """Return the headers and the body of a first request, as JSON."""
    if target == "api":
        # A valid token of a user from another restaurant: the request passes
        # authentication and stops there.
        token = build_unsigned_token(BENCHMARK_PROJECT, "somebody", int(time.time()))
        headers = {"authorization": f"Bearer {token}"}
        path = f"/api/restaurants/{tenant.id}/health"
        return json.dumps({"path": path, "method": "GET", "headers": headers})
    body = (
        build_created_envelope(tenant)
        if target == "opentable_webhook"
        else {"restaurantId": tenant.id}
    )
    raw = json.dumps(body)
    headers = build_signature_headers(tenant, raw.encode()) | {"content-type": "application/json"}
    return json.dumps({"path": "/", "method": "POST", "headers": headers, "body": raw})


def _run_child(python: Path, target: str, request: str, variables: dict[str, str]) -> float:
    """Return the milliseconds from a fresh process's first line to its response."""
    completed = subprocess.run(
        [str(python), str(_CHILD_SCRIPT), target, request],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=True,
    )
    *statuses, seconds = completed.stdout.splitlines()
    if target and statuses[-1] != _EXPECTED_STATUSES[target]:
        raise RuntimeError(f"{target} answered {statuses}: the bench measured nothing.")
    return float(seconds) * _MILLISECONDS_PER_SECOND


def deployed_python() -> Path:
    """Return the interpreter of a virtual environment with ``requirements.txt`` only.

    With development packages installed, a deployed library may import more than in production. The
    environment is created again when the requirements or the Python version change.
    """
    python, stamp = _ENVIRONMENT_FOLDER / "bin" / "python", _ENVIRONMENT_FOLDER / "installed.sha256"
    expected = f"{fingerprint(_REQUIREMENTS)} {sys.version}"
    if not stamp.is_file() or stamp.read_text() != expected:
        venv.create(_ENVIRONMENT_FOLDER, clear=True, symlinks=True)
        install = [str(UV), "pip", "sync", "--require-hashes", str(_REQUIREMENTS)]
        run_step(
            "Installing what is deployed", [*install, "--python", str(python)], uv_environment()
        )
        stamp.write_text(expected)
    return python
