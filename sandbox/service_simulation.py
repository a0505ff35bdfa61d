"""Simulate a restaurant's days at a chosen speed; the same seed gives the same day.

Scheduled, arrived, seated and done times are simulated restaurant time. OpenTable's timestamps
(``created``, ``updated_at``, an envelope's ``timestamp``) use the store's clock, because clients of
the API live in real time. Nights are skipped.
"""

import heapq
import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import count
from threading import Event

from sandbox.background_bookings import BookingGenerator
from sandbox.models import EXPECTED_STATES
from sandbox.store import SandboxStore
from sandbox.visits import SimulatedAction, VisitPlanner

_BOOKING_HOURS, _DINNER_HOURS = (10, 22), (17, 22)
_CLOSING_TIME = time(4)


class ServiceSimulation:
    """One local day of one restaurant, action by action in the order of simulated time."""

    def __init__(self, store: SandboxStore, rid: int, day: date, seed: int = 0) -> None:
        self._zone = store.get_restaurant(rid).zone
        self._day = day
        # A day of its own: what happened before does not change its draws.
        self._rng = random.Random(f"{seed}/{rid}/{day}")
        # The number in between orders equal times: actions cannot be compared.
        self._queue: list[tuple[datetime, int, SimulatedAction]] = []
        self._insertion_order = count()
        self._now = datetime.min.replace(tzinfo=UTC)
        self._plan_day(store, rid)

    def next_action_at(self) -> datetime | None:
        """Return the simulated, aware time of the next action; None after the last one."""
        return self._queue[0][0] if self._queue else None

    def run_next_action(self) -> SimulatedAction:
        """Run the next action and return it; raise IndexError after the last one."""
        self._now, _, action = heapq.heappop(self._queue)
        self._schedule(action.run())
        return action

    def run_all(self) -> list[SimulatedAction]:
        """Run the full day at once and return its actions."""
        actions = []
        while self._queue:
            actions.append(self.run_next_action())
        return actions

    def _plan_day(self, store: SandboxStore, rid: int) -> None:
        visits = VisitPlanner(store, rid, self._rng)
        today = self._day.isoformat()
        expected = [
            row
            for row in store.list_reservations(rid)
            if row.state in EXPECTED_STATES and row.scheduled_local[:10] == today
        ]
        for row in expected:
            self._schedule(visits.plan_expected_visit(row))
        generator = BookingGenerator(store, rid, self._day, self._rng)
        for name, run, repetitions, (opening, closing) in (
            ("book", generator.create_booking, 4 + len(expected) // 2, _BOOKING_HOURS),
            ("change", generator.change_booking, 3 + len(expected) // 4, _BOOKING_HOURS),
            ("walk_in", generator.create_walk_in, 2 + len(expected) // 6, _DINNER_HOURS),
            ("wait", generator.create_waitlist_entry, 1, _DINNER_HOURS),
            ("correct", generator.correct_guest, 2, _BOOKING_HOURS),
            ("merge", generator.merge_guests, 1, _BOOKING_HOURS),
        ):
            start = datetime.combine(self._day, time(opening), self._zone)
            for _ in range(repetitions):
                at = start + timedelta(minutes=self._rng.randrange((closing - opening) * 60))
                self._schedule([SimulatedAction(at, name, partial(run, at))])
        night = datetime.combine(self._day + timedelta(days=1), _CLOSING_TIME, self._zone)
        self._schedule([SimulatedAction(night, "sweep", generator.close_open_visits)])

    def _schedule(self, actions: list[SimulatedAction]) -> None:
        # In UTC, because one zone's times compare by the wall clock; and never in the past.
        for action in actions:
            at = max(action.at.astimezone(UTC), self._now)
            heapq.heappush(self._queue, (at, next(self._insertion_order), replace(action, at=at)))


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
        """Simulate restaurant ``rid`` at ``speed`` simulated seconds per second; 0 stops the time.

        Actions of the first day before the local time ``start_time`` run at the start.
        """
        self.speed = speed
        self.simulated_time: datetime | None = None
        self._store = store
        self._rid = rid
        self._seed = seed
        self._start_time = start_time

    def run(self, stop: Event) -> None:
        """Simulate from today's opening on, until ``stop`` is set."""
        zone = self._store.get_restaurant(self._rid).zone
        day = self._store.now().astimezone(zone).date()
        start_time = (
            None if self._start_time is None else datetime.combine(day, self._start_time, zone)
        )
        while not stop.is_set():
            simulation = ServiceSimulation(self._store, self._rid, day, self._seed)
            self.simulated_time = start_time or simulation.next_action_at()
            while (due := simulation.next_action_at()) is not None and self._advance_to(due, stop):
                simulation.run_next_action()
            start_time = None
            day += timedelta(days=1)

    def _advance_to(self, due: datetime, stop: Event) -> bool:
        # Sleep in small steps, so that a change of speed takes effect soon.
        while self.simulated_time is not None and self.simulated_time < due:
            if self.speed > 0:
                remaining_seconds = (due - self.simulated_time).total_seconds() / self.speed
                tick_seconds = min(_TICK_SECONDS, remaining_seconds)
            else:
                tick_seconds = _TICK_SECONDS
            if stop.wait(tick_seconds):
                return False
            # Rounding must not leave a remainder too short to wait for, hence the microsecond.
            self.simulated_time = min(
                due, self.simulated_time + timedelta(seconds=tick_seconds * self.speed + 1e-6)
            )
        return not stop.is_set()
