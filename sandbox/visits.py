"""Plan the visit of one party: late cancellation, arrival, seating, courses."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sandbox.actions import ReservationActions, VisitActions
from sandbox.models import ENDED_STATES, SandboxReservation, draw_weighted
from sandbox.store import SandboxStore

_COURSES = ("Appetizer", "Entree", "Dessert", "CheckDropped", "Paid")

# Outcomes of an expected visit, as shares of an ordinary night.
_OUTCOME_SHARES = {
    "dines": 0.80,
    "cancels": 0.05,
    "changes_mind": 0.02,
    "no_show": 0.05,
    "never_closed": 0.06,
    "never_touched": 0.02,
}

_MIN_PARTIAL_PARTY_SIZE, _PARTIAL_ARRIVAL_SHARE = 4, 0.3


@dataclass(frozen=True, slots=True)
class SimulatedAction:
    """An action at a simulated, aware time; running it may return further actions."""

    at: datetime
    name: str
    run: Callable[[], "list[SimulatedAction]"]


class VisitPlanner:
    """Plan the actions of single visits in one restaurant."""

    def __init__(self, store: SandboxStore, rid: int, rng: random.Random) -> None:
        self._store = store
        self._rid = rid
        self._reservation_actions = ReservationActions(store, rid)
        self._visit_actions = VisitActions(store, rid)
        self._rng = rng

    def plan_expected_visit(self, row: SandboxReservation) -> list[SimulatedAction]:
        """Return the actions of an expected reservation."""
        outcome = draw_weighted(_OUTCOME_SHARES, self._rng)
        at = row.scheduled
        cancelled_at = at - self._draw_minutes(60, 240)
        cancellation = self._build_action(
            row, cancelled_at, "cancel", self._reservation_actions.cancel
        )
        match outcome:
            case "cancels":
                return [cancellation]
            case "changes_mind":
                again = cancelled_at + self._draw_minutes(5, 40)
                uncancel = self._reservation_actions.uncancel
                return [
                    cancellation,
                    self._build_action(row, again, "uncancel", uncancel),
                    *self.plan_seating(row, at, closed=True),
                ]
            case "no_show":
                given_up_at = at + self._draw_minutes(20, 45)
                mark = self._visit_actions.mark_no_show
                return [self._build_action(row, given_up_at, "no_show", mark)]
            case "never_touched":  # the nightly job closes it, as one that is never closed
                return []
        return self.plan_seating(row, at, closed=outcome == "dines")

    def plan_seating(
        self, row: SandboxReservation, at: datetime, *, closed: bool
    ) -> list[SimulatedAction]:
        """Return arrival, seating and courses from ``at`` on; the end only if ``closed``."""
        arrival_time = at + self._draw_minutes(-10, 20)
        seating_time = arrival_time + self._draw_minutes(1, 15)
        table = (str(self._rng.randrange(1, 30)),)
        actions = [
            *self._plan_arrivals(row, arrival_time),
            self._build_action(
                row,
                seating_time,
                "seat",
                lambda key: self._visit_actions.seat(key, seating_time, table),
            ),
        ]
        return [*actions, *self.plan_courses(row, seating_time, closed=closed)]

    def plan_courses(
        self, row: SandboxReservation, seating_time: datetime, *, closed: bool
    ) -> list[SimulatedAction]:
        """Return the courses of a party seated at ``seating_time``; the end only if ``closed``."""
        length = self._draw_minutes(60, 100) + timedelta(minutes=3 * row.party_size)
        served = [
            self._build_action(
                row,
                seating_time + length * (n + 1) / 6,
                course,
                partial(self._visit_actions.set_state, state=course),
            )
            for n, course in enumerate(_COURSES)
        ]
        end = seating_time + length
        done = self._build_action(
            row, end, "done", lambda key: self._visit_actions.finish(key, end)
        )
        return [*served, done] if closed else served[:3]

    def _plan_arrivals(
        self, row: SandboxReservation, arrival_time: datetime
    ) -> Iterator[SimulatedAction]:
        if (
            row.party_size >= _MIN_PARTIAL_PARTY_SIZE
            and self._rng.random() < _PARTIAL_ARRIVAL_SHARE
        ):
            yield self._build_action(
                row,
                arrival_time,
                "arrive_in_part",
                lambda key: self._visit_actions.record_arrival(key, arrival_time, everyone=False),
            )
        full_arrival_time = arrival_time + timedelta(seconds=50)
        yield self._build_action(
            row,
            full_arrival_time,
            "arrive",
            lambda key: self._visit_actions.record_arrival(key, full_arrival_time),
        )

    def _build_action(
        self,
        row: SandboxReservation,
        at: datetime,
        name: str,
        change: Callable[[str], SandboxReservation],
    ) -> SimulatedAction:
        def run() -> list[SimulatedAction]:
            # Another action may have ended the visit; only un-cancelling reverses an end.
            reservation = self._store.get_reservation(self._rid, row.key)
            if reservation and (reservation.state in ENDED_STATES) == (name == "uncancel"):
                change(row.key)
            return []

        return SimulatedAction(at, name, run)

    def _draw_minutes(self, minimum: int, maximum: int) -> timedelta:
        return timedelta(minutes=self._rng.randint(minimum, maximum))
