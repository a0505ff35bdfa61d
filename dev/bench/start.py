"""The start: importing a function and its first request, against importing what it stands on."""

import asyncio
import json
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from dev.bench.arithmetic import Pair
from dev.bench.deployed import deployed_python
from dev.bench.events import House, created, signed
from dev.bench.figures import Figure, at_most, ratio_figure
from dev.bench.shop import asking
from dev.bench.stage import PROJECT, seed, staged
from dev.demo_staff import unsigned_token

_ROUNDS, _QUICK_ROUNDS = 15, 5
_FIRST = Path(__file__).with_name("first.py")
_ROOT = Path(__file__).parents[2]
_SECONDS = 120
_MILLI = 1000
_ANSWERS = {
    "opentable_webhook": "200",
    "opentable_poll": "200",
    "opentable_reconcile": "200",
    "api": "403",
}


def measure(quick: bool) -> tuple[list[Figure], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the figures of the start, one a function."""
    python = deployed_python()
    with ExitStack() as kept:
        stage = kept.enter_context(staged())
        url = kept.enter_context(asking())
        house = stage.houses(1)[0]
        asyncio.run(seed(stage.client(), [house]))
        addresses = {"OPENTABLE_API_URL": url, "OPENTABLE_OAUTH_URL": url}
        # Nothing listens at the Auth emulator's address: the check of a token asks nobody there.
        addresses |= {"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099", "PYTHONPATH": str(_ROOT)}
        variables = stage.variables(**addresses)
        runs = {target: _request(target, house) for target in _ANSWERS}
        return [_figure(python, *run, variables, quick=quick) for run in runs.items()], []


def _figure(
    python: Path, target: str, request: str, variables: dict[str, str], *, quick: bool
) -> Figure:
    _run(python, target, request, variables)  # An emulator that is still cold is not our start.
    pairs = []
    for _ in range(_QUICK_ROUNDS if quick else _ROUNDS):
        floor = _run(python, "", "", variables)
        pairs.append(Pair(floor, _run(python, target, request, variables)))
    name = f"start: import and first request of {target}"
    return ratio_figure(name, "ms", at_most(1.30), pairs)


def _request(target: str, house: House) -> str:
    """Return the headers and the body of a first request, as JSON."""
    if target == "api":
        # Somebody who proves who they are, and works elsewhere: all of the way in is gone.
        token = unsigned_token(PROJECT, "somebody", int(time.time()))
        headers = {"authorization": f"Bearer {token}"}
        path = f"/api/restaurants/{house.id}/health"
        return json.dumps({"path": path, "method": "GET", "headers": headers})
    body = created(house) if target == "opentable_webhook" else {"restaurantId": house.id}
    raw = json.dumps(body)
    headers = signed(house, raw.encode()) | {"content-type": "application/json"}
    return json.dumps({"path": "/", "method": "POST", "headers": headers, "body": raw})


def _run(python: Path, target: str, request: str, variables: dict[str, str]) -> float:
    """Return the milliseconds that a fresh process takes, from its first line to its answer."""
    done = subprocess.run(
        [str(python), str(_FIRST), target, request],
        cwd=_ROOT,
        env=variables,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    *answered, seconds = done.stdout.splitlines()
    if target and answered[-1] != _ANSWERS[target]:
        raise RuntimeError(f"{target} answered {answered}: the bench measured nothing.")
    return float(seconds) * _MILLI
