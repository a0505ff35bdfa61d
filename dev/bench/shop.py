"""The scheduled functions, the floors beside them, and the OpenTable that they ask."""

import asyncio
import json
import queue
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from dev.bench import floor
from dev.bench.events import House
from dev.bench.stage import seed, staged
from dev.bench.wire import Tap, tapped
from dev.processes import LOOPBACK, free_port, running, wait_until_answers
from dev.serving import Serving, serving

_SECONDS = 3_000
_START_SECONDS = 60
_FLOORS = ("write_plain", "get_all", "stream")
_FUNCTIONS = ("opentable_poll", "opentable_reconcile")


@dataclass(frozen=True, slots=True)
class Shop:
    """What polls and reconciliations are measured with.

    Attributes:
        opentable: The address of OpenTable.
        functions: The scheduled functions and the floors, by name.
        tapped: The scheduled functions again, whose calls to Firestore are counted.
        tap: Where they are counted.
        durations: Milliseconds of each reconciliation that was not counted, from its log line.
    """

    opentable: str
    functions: dict[str, Serving]
    tapped: dict[str, Serving]
    tap: Tap
    durations: queue.SimpleQueue[float]

    def arrange(self, house: House, **how: int) -> None:
        """Fill or change a restaurant's book at OpenTable."""
        url = f"{self.opentable}/_book/{house.rid}"
        requests.post(url, params=how, timeout=_SECONDS).raise_for_status()

    def poll(self, house: House, *, counted: bool = False) -> dict[str, Any]:
        """Poll a restaurant; return its part of the answer."""
        function = (self.tapped if counted else self.functions)["opentable_poll"]
        return dict(post(function, {"restaurantId": house.id})["results"][0])

    def reconcile(self, house: House, *, counted: bool = False) -> dict[str, Any]:
        """Reconcile all days of a restaurant's book; return its part of the answer."""
        function = (self.tapped if counted else self.functions)["opentable_reconcile"]
        today = datetime.now(UTC).date()
        days = {"startDate": today - timedelta(days=40), "endDate": today + timedelta(days=60)}
        wanted = {name: day.isoformat() for name, day in days.items()}
        return dict(post(function, {"restaurantId": house.id, **wanted})["reports"][0])

    def seconds_to_reconcile(self, house: House, **counts: int) -> float:
        """Return how long a reconciliation took, by its own measure, until its report was made.

        What the emulator alone needs then is left out: the sweep that stands in for Firestore's
        own deletion of what has expired.

        Args:
            house: The restaurant.
            counts: What its report must count.
        """
        expect(self.reconcile(house), **counts)
        return self.durations.get(timeout=_START_SECONDS) / 1000

    def plainly(self, target: str, house: House) -> float:
        """Return the seconds that a floor takes."""
        return float(post(self.functions[target], {"restaurantId": house.id})["seconds"])


def post(function: Serving, body: dict[str, Any]) -> dict[str, Any]:
    """Return what a function answers."""
    answer = requests.post(function.url, json=body, timeout=_SECONDS)
    answer.raise_for_status()
    return dict(answer.json())


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def expect(answer: dict[str, Any], **counts: int) -> None:
    """Fail where a run did something else than it was set up to do.

    Raises:
        RuntimeError: When one of the counts is another.
    """
    told = {name: answer.get(name) for name in counts}
    if told != counts:
        raise RuntimeError(f"Expected {counts}, and got {answer}: the bench measured nothing.")


@contextmanager
def asking(latency: float = 0.0) -> Iterator[str]:
    """Serve an OpenTable for the length of a `with` block; yield its address."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    command = [sys.executable, "-m", "dev.bench.opentable", "--port", str(port)]
    with running([*command, "--latency", str(latency)], print) as child:
        wait_until_answers(f"{url}/token", _START_SECONDS, child)
        yield url


@contextmanager
def opened(houses: int) -> Iterator[tuple[Shop, list[House]]]:
    """Keep a shop, and some restaurants without a book, for the length of a `with` block."""
    with ExitStack() as kept:
        stage = kept.enter_context(staged())
        url = kept.enter_context(asking())
        tap = kept.enter_context(tapped(stage.host))
        known = stage.houses(houses)
        asyncio.run(seed(stage.client(), known))
        budget = {"RUN_BUDGET_SECONDS": str(_SECONDS)}
        straight = stage.variables(OPENTABLE_API_URL=url, OPENTABLE_OAUTH_URL=url, **budget)
        counted = straight | {"FIRESTORE_EMULATOR_HOST": tap.host}

        durations = queue.SimpleQueue[float]()

        def note(line: str) -> None:
            if '"event": "reconciliation"' in line:
                durations.put(json.loads(line)["durationMs"])

        def serve(target: str, variables: dict[str, str], **more: Path) -> Serving:
            on_line = note if variables is straight else _drop
            return kept.enter_context(serving(target, variables, on_line, **more))

        functions = {name: serve(name, straight) for name in _FUNCTIONS}
        functions |= {name: serve(name, straight, source=Path(floor.__file__)) for name in _FLOORS}
        watched = {name: serve(name, counted) for name in _FUNCTIONS}
        yield Shop(url, functions, watched, tap, durations), known


def _drop(_line: str) -> None:
    """Drop what a function logs."""
