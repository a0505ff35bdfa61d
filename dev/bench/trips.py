"""Round trips, and documents read and written, of one event of each kind: counted on the wire."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import requests

from dev.bench.events import House, cancelled, created, signed, updated
from dev.bench.figures import Figure, at_most
from dev.bench.price import dollars_a_million
from dev.bench.stage import Stage, seed, staged
from dev.bench.wire import Tap, Traffic, tapped
from dev.serving import Serving, serving

_SECONDS = 30
HEAD = (
    "| event | round trips | read | written | one region | nam5 |",
    "|---|---|---|---|---|---|",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of event costs.

    Attributes:
        name: The kind.
        answer: What it was answered.
        traffic: What went over the wire for it.
        most: How many round trips the contract allows.
    """

    name: str
    answer: str
    traffic: Traffic
    most: int

    def row(self) -> str:
        """Return it as a row of the table, with what a million of it cost."""
        read, written = self.traffic.read, self.traffic.written
        one, nam5 = dollars_a_million(read, written)
        trips = len(self.traffic.calls)
        return f"| {self.name} | {trips} | {read} | {written} | ${one:.2f} | ${nam5:.2f} |"


def measure(_quick: bool) -> tuple[list[Figure], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the most round trips of a created envelope and of all else, and the table."""
    with ExitStack() as kept:
        stage = kept.enter_context(staged())
        tap = kept.enter_context(tapped(stage.host))
        kinds = list(_kinds(stage, tap, kept))
    new, *rest = kinds
    figures = [
        _figure("round trips, created envelope", [new]),
        _figure("round trips, any other event, the most", rest),
    ]
    return figures, [*HEAD, *(kind.row() for kind in kinds)]


def _figure(name: str, kinds: list[Kind]) -> Figure:
    most = max(len(kind.traffic.calls) for kind in kinds)
    told = {kind.name: {"calls": kind.traffic.calls, "answer": kind.answer} for kind in kinds}
    return Figure(name, most, at_most(kinds[0].most), most, "", detail={"kinds": told})


def _kinds(stage: Stage, tap: Tap, kept: ExitStack) -> Iterator[Kind]:
    house = stage.houses(1)[0]
    asyncio.run(seed(stage.client(), [house]))
    # No call to OpenTable: guests and hints are fetched after the commit, and counted apart.
    alone = {"HINT_BUDGET_SECONDS": "0", "GUEST_BUDGET_SECONDS": "0"}
    variables = stage.variables(**alone) | {"FIRESTORE_EMULATOR_HOST": tap.host}

    def start() -> Callable[[str, Mapping[str, Any], int], Kind]:
        function = kept.enter_context(serving("opentable_webhook", variables, _quiet))
        # Once in either format: settings, routes and secrets are cached from now on.
        _send(function, house, created(house))
        _send(function, house, _object(house, 1) | {"id": f"{house.rid}-warm"})
        tap.taken()
        return lambda name, body, most: _counted(tap, function, house, name, body, most)

    ask, elsewhere = start(), start()
    first = created(house)
    yield ask("envelope, created", first, 1)
    yield ask("… again, at the same instance", first, 2)
    yield elsewhere("… again, at another instance", first, 2)
    patch = updated(first)
    yield ask("envelope, updated", patch, 2)
    yield ask("… again", patch, 2)
    yield ask("envelope, cancelled", cancelled(first), 2)
    yield ask("envelope, updated, before its creation", updated(created(house)), 2)
    one, two, three = (_object(house, sequence) for sequence in (1, 2, 3))
    yield ask("OpenTable's object, first", one, 2)
    yield ask("… changed", three | {"party_size": 6}, 2)
    yield ask("… again", three | {"party_size": 6}, 2)
    yield ask("… older, late", two, 2)
    yield ask("… newer, nothing said that is new", _object(house, 4) | {"party_size": 6}, 2)
    about = created(house)
    about["data"] |= {"reservationId": f"{house.rid}-spoken"}
    yield ask("envelope, created, where OpenTable spoke here", about, 2)
    later = created(house)
    elsewhere("", _object(house, 1) | {"id": f"{house.rid}-unseen"}, 2)
    later["data"] |= {"reservationId": f"{house.rid}-unseen"}
    yield ask("envelope, created, where OpenTable spoke elsewhere", later, 2)


def _object(house: House, sequence: int) -> dict[str, Any]:
    return {
        "id": f"{house.rid}-spoken",
        "rid": int(house.rid),
        "sequence_id": sequence,
        "state": "Confirmed",
        "party_size": 4,
        "scheduled_time": "2026-03-14T19:15:00",
        "scheduled_time_utc": "2026-03-14T23:15:00Z",
        "updated_at_utc": f"2026-03-09T12:00:{sequence:02}Z",
    }


def _counted(  # noqa: PLR0913, PLR0917 -- each is a different thing, and one call site
    tap: Tap, function: Serving, house: House, name: str, body: Mapping[str, Any], most: int
) -> Kind:
    tap.taken()
    answer = _send(function, house, body)
    return Kind(name, answer, tap.taken(), most)


def _send(function: Serving, house: House, body: Mapping[str, Any]) -> str:
    raw = json.dumps(body).encode()
    headers = {"content-type": "application/json", **signed(house, raw)}
    answer = requests.post(function.url, data=raw, headers=headers, timeout=_SECONDS)
    return str(answer.json()["status"])


def _quiet(_line: str) -> None:
    """Drop what a function logs."""
