"""A restaurant's day at OpenTable, from the first call to the nightly sweep; same seed, same day.

Scheduled, arrived, seated and done times are simulated restaurant time. What OpenTable stamps
(``created``, ``updated_at``, an envelope's ``timestamp``) is the book's own clock, since whoever
follows the feed lives in real time.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import count

from dev.sandbox.book import Book
from dev.sandbox.dayside import Dayside
from dev.sandbox.records import EXPECTED, Reservation
from dev.sandbox.visits import Act, Visits

_DESK_HOURS, _DINNER_HOURS = (10, 22), (17, 22)
_SWEEP = time(4)


class Evening:
    """One local day of one restaurant, played act by act in the order of simulated time."""

    def __init__(self, book: Book, rid: int, day: date, seed: int = 0) -> None:
        """Plan local date ``day`` of ``rid`` from what the book expects; nothing happens yet."""
        self._zone = book.restaurant(rid).zone
        self._day = day
        self._rng = random.Random(f"{seed}/{rid}/{day}")  # noqa: S311 - a repeatable evening
        self._waiting: list[tuple[datetime, int, Act]] = []
        self._places = count()
        self._now = datetime.min.replace(tzinfo=UTC)
        self._plan(book, rid)

    def next_at(self) -> datetime | None:
        """Return the simulated, aware time of the next act; None when the night is over."""
        return self._waiting[0][0] if self._waiting else None

    def step(self) -> Act:
        """Run the next act and return it; IndexError when the night is over."""
        self._now, _, act = heapq.heappop(self._waiting)
        self._take(act.run())
        return act

    def play(self) -> list[Act]:
        """Run the whole day at once and return its acts."""
        acts = []
        while self._waiting:
            acts.append(self.step())
        return acts

    def _plan(self, book: Book, rid: int) -> None:
        visits = Visits(book, rid, self._rng)
        expected = [row for row in book.reservations(rid) if self._is_expected(row)]
        for row in expected:
            self._take(visits.expected(row))
        side = Dayside(book, rid, self._day, self._rng)
        self._scatter("book", side.book, 4 + len(expected) // 2, _DESK_HOURS)
        self._scatter("change", side.change, 3 + len(expected) // 4, _DESK_HOURS)
        self._scatter("walk_in", side.walk_in, 2 + len(expected) // 6, _DINNER_HOURS)
        self._scatter("wait", side.wait, 1, _DINNER_HOURS)
        self._scatter("correct", side.correct, 2, _DESK_HOURS)
        self._scatter("merge", side.merge, 1, _DESK_HOURS)
        closing = datetime.combine(self._day + timedelta(days=1), _SWEEP, self._zone)
        self._take([Act(closing, "sweep", partial(side.sweep, closing))])

    def _scatter(
        self,
        name: str,
        do: Callable[[datetime], list[Act]],
        times: int,
        hours: tuple[int, int],
    ) -> None:
        start = datetime.combine(self._day, time(hours[0]), self._zone)
        for _ in range(times):
            at = start + timedelta(minutes=self._rng.randrange((hours[1] - hours[0]) * 60))
            self._take([Act(at, name, partial(do, at))])

    def _is_expected(self, row: Reservation) -> bool:
        return row.state in EXPECTED and row.local[:10] == self._day.isoformat()

    def _take(self, acts: list[Act]) -> None:
        # In UTC, because one zone's times compare by the wall clock; and never in the past.
        for act in acts:
            at = max(act.at.astimezone(UTC), self._now)
            heapq.heappush(self._waiting, (at, next(self._places), replace(act, at=at)))
