"""Plays evening after evening at a chosen speed; the nights between are skipped."""

from datetime import date, datetime, time, timedelta
from threading import Event

from dev.sandbox.book import SandboxStore
from dev.sandbox.evening import ServiceSimulation

_TICK_SECONDS = 0.2


class SimulationLoop:
    """One restaurant's days in simulated time; ``simulated_time`` is None before the first step."""

    def __init__(
        self,
        store: SandboxStore,
        rid: int,
        speed: float,
        seed: int = 0,
        start_time: time | None = None,
    ) -> None:
        """Live ``rid``'s days, ``speed`` simulated seconds a second; 0 stands still.

        What the first day brings before the local time ``start_time`` happens at once, at the
        start.
        """
        self.speed = speed
        self.simulated_time: datetime | None = None
        self._store = store
        self._rid = rid
        self._seed = seed
        self._start_time = start_time

    def run(self, stop: Event) -> None:
        """Play from today's opening on, until ``stop`` is set."""
        zone = self._store.get_restaurant(self._rid).zone
        day = self._store.now().astimezone(zone).date()
        start_time = (
            None if self._start_time is None else datetime.combine(day, self._start_time, zone)
        )
        while not stop.is_set():
            self._run_day(day, start_time, stop)
            start_time = None
            day += timedelta(days=1)

    def _run_day(self, day: date, start_time: datetime | None, stop: Event) -> None:
        simulation = ServiceSimulation(self._store, self._rid, day, self._seed)
        self.simulated_time = start_time or simulation.next_action_at()
        while (due := simulation.next_action_at()) is not None and self._advance_to(due, stop):
            simulation.run_next_action()

    def _advance_to(self, due: datetime, stop: Event) -> bool:
        # In small ticks, so that a change of speed is felt at once.
        while self.simulated_time is not None and self.simulated_time < due:
            if self.speed > 0:
                remaining_seconds = (due - self.simulated_time).total_seconds() / self.speed
                tick_seconds = min(_TICK_SECONDS, remaining_seconds)
            else:
                tick_seconds = _TICK_SECONDS
            if stop.wait(tick_seconds):
                return False
            self.simulated_time = min(
                due, self.simulated_time + timedelta(seconds=tick_seconds * self.speed + 1e-6)
            )
        return not stop.is_set()
