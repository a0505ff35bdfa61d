"""The webhook under load, against a handler that only commits."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dev.bench import floor
from dev.bench.arithmetic import Pair, percentile
from dev.bench.events import House, creations, mixed
from dev.bench.figures import Figure, at_least, at_most, ratio_figure
from dev.bench.load import Answered, Generator, generating
from dev.bench.process import processor_seconds
from dev.bench.stage import Stage, seed, staged
from dev.serving import Serving, serving

_CONNECTIONS = 16
_HOUSES = 50
_WARM_UP = 400
_ROUNDS, _QUICK_ROUNDS = 7, 3
_EVENTS, _QUICK_EVENTS = 1_500, 400
_MICRO = 1e6


@dataclass(frozen=True, slots=True)
class Ring:
    """Both sides, and who sends to them.

    Attributes:
        floor: The handler that only commits.
        ours: The webhook.
        generator: Sends to either.
        houses: The restaurants.
        rounds: How many rounds of each figure.
        events: How many events a round.
    """

    floor: Serving
    ours: Serving
    generator: Generator
    houses: Sequence[House]
    rounds: int
    events: int

    def throughput(self, name: str, limit: float, make: Callable[[int], "Batch"]) -> Figure:
        """Return a figure of events a second, both sides sent the very same requests in turn."""
        pairs, times, outcomes = [], [], []
        for number in range(self.rounds):
            batch = make(number)
            (slow, slow_time), (fast, fast_time) = (
                self._run(self.floor, batch),
                self._run(self.ours, batch),
            )
            pairs.append(Pair(slow.a_second, fast.a_second))
            times.append(Pair(slow_time, fast_time))
            outcomes.append(dict(fast.outcomes))
        processor = {
            "processorMicroseconds": [(round(each.floor), round(each.ours)) for each in times]
        }
        return ratio_figure(
            name, "a second", at_least(limit), pairs, outcomes=outcomes, **processor
        )

    def _run(self, side: Serving, batch: "Batch") -> tuple[Answered, float]:
        if batch.before:
            self.generator.in_turn(side.port, batch.before, _CONNECTIONS)
        began = processor_seconds(side.process.pid)
        answered = self.generator.in_turn(side.port, batch.timed, _CONNECTIONS)
        taken = processor_seconds(side.process.pid) - began
        return answered, taken / len(batch.timed) * _MICRO

    def latency(self, rate: float) -> Figure:
        """Return the figure of the 99th percentile at a steady rate of arrivals."""
        pairs = []
        for _ in range(self.rounds):
            batch = creations(self.houses, self.events)
            slow, fast = (
                self.generator.on_time(side.port, batch, rate) for side in (self.floor, self.ours)
            )
            pairs.append(Pair(_p99(slow), _p99(fast)))
        return ratio_figure(
            "p99 latency at half of the floor's throughput",
            "ms",
            at_most(1.5),
            pairs,
            rate=round(rate),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What one round sends.

    Attributes:
        timed: The requests that count.
        before: Those that must have been answered before.
    """

    timed: Sequence[bytes]
    before: Sequence[bytes] = ()


def _p99(answered: Answered) -> float:
    return percentile(answered.latencies, 0.99) * 1000


def measure(quick: bool) -> tuple[list[Figure], list[str]]:  # noqa: FBT001 -- as every part is
    """Return the webhook's figures."""
    figures = _throughputs(quick)
    with ExitStack() as kept:
        # Java's usual pauses, a tenth of a second each, would be the whole of the figure.
        ring = _set_up(kept.enter_context(staged(pauses=False)), kept, quick=quick)
        return [*figures, ring.latency((figures[0].floor or 0) / 2)], []


def _throughputs(quick: bool) -> list[Figure]:  # noqa: FBT001 -- as every part is
    with ExitStack() as kept:
        ring = _set_up(kept.enter_context(staged()), kept, quick=quick)
        houses = ring.houses

        def busy_day(number: int) -> Batch:
            before, timed = mixed(houses, ring.events, number)
            return Batch(timed, before)

        return [
            ring.throughput(
                f"created events, {_HOUSES} restaurants",
                0.90,
                lambda _: Batch(creations(houses, ring.events)),
            ),
            ring.throughput(
                "created events, one hot restaurant",
                0.90,
                lambda _: Batch(creations(houses[:1], ring.events)),
            ),
            ring.throughput("mixed traffic: 60 / 25 / 10 / 5", 0.65, busy_day),
        ]


def _set_up(stage: Stage, kept: ExitStack, *, quick: bool) -> Ring:
    houses = stage.houses(_HOUSES)
    asyncio.run(seed(stage.client(), houses))
    generator = kept.enter_context(generating())
    ours = kept.enter_context(serving("opentable_webhook", stage.variables(), _drop))
    generator.in_turn(ours.port, creations(houses, _WARM_UP), _CONNECTIONS)
    sample = {floor.SAMPLE: asyncio.run(_a_document(stage, houses[0]))}
    source = Path(floor.__file__)
    plain = kept.enter_context(serving("commit_two", stage.variables(**sample), _drop, source))
    generator.in_turn(plain.port, creations(houses, _WARM_UP), _CONNECTIONS)
    rounds, events = (_QUICK_ROUNDS, _QUICK_EVENTS) if quick else (_ROUNDS, _EVENTS)
    return Ring(plain, ours, generator, houses, rounds, events)


async def _a_document(stage: Stage, house: House) -> str:
    """Return the path of a document that the webhook wrote while it warmed up."""
    reservations = stage.client().collection("restaurants", house.id, "reservations")
    found = [each async for each in reservations.limit(1).stream()]
    return str(found[0].reference.path)


def _drop(_line: str) -> None:
    """Drop what a function logs."""
