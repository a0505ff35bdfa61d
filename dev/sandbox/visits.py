"""One party's evening: late cancellations, arrival, seating, courses, and what is forgotten."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dev.sandbox.book import Book
from dev.sandbox.desk import Desk
from dev.sandbox.floor import Floor
from dev.sandbox.records import ENDED, Reservation

COURSES = ("Appetizer", "Entree", "Dessert", "CheckDropped", "Paid")
# The outcomes of an expected visit, in shares that a host would call an ordinary night.
FATES = {
    "dines": 0.80,
    "cancels": 0.05,
    "changes_mind": 0.02,
    "no_show": 0.05,
    "never_closed": 0.06,
    "never_touched": 0.02,
}
_PARTIAL_FROM, _PARTIAL_SHARE = 4, 0.3


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens at a simulated, aware time; running it may bring further acts on."""

    at: datetime
    name: str
    run: Callable[[], "list[Act]"]


class Visits:
    """Plans the acts of single visits in one restaurant."""

    def __init__(self, book: Book, rid: int, rng: random.Random) -> None:
        """Plan for ``rid`` by the chances that ``rng`` draws."""
        self._book = book
        self._rid = rid
        self._desk = Desk(book, rid)
        self._floor = Floor(book, rid)
        self._rng = rng

    def expected(self, row: Reservation) -> list[Act]:
        """Return what happens to a reservation that is expected tonight."""
        fate = self._rng.choices(list(FATES), list(FATES.values()))[0]
        at = row.scheduled
        cancelled = at - self._minutes(60, 240)
        plans: dict[str, Callable[[], list[Act]]] = {
            "dines": lambda: self.seated(row, at, closed=True),
            "cancels": lambda: [self._cancel(row, cancelled)],
            "changes_mind": lambda: [
                self._cancel(row, cancelled),
                self._act(row, cancelled + self._minutes(5, 40), "uncancel", self._desk.uncancel),
                *self.seated(row, at, closed=True),
            ],
            "no_show": lambda: [
                self._act(row, at + self._minutes(20, 45), "no_show", self._floor.no_show)
            ],
            "never_closed": lambda: self.seated(row, at, closed=False),
            "never_touched": list,
        }
        return plans[fate]()

    def seated(self, row: Reservation, at: datetime, *, closed: bool) -> list[Act]:
        """Return arrival, seating and courses from ``at`` on, and the end where ``closed``."""
        come = at + self._minutes(-10, 20)
        sit = come + self._minutes(1, 15)
        table = (str(self._rng.randrange(1, 30)),)
        acts = [
            *self._arrivals(row, come),
            self._act(row, sit, "seat", lambda key: self._floor.seat(key, sit, table)),
        ]
        return [*acts, *self.courses(row, sit, closed=closed)]

    def courses(self, row: Reservation, sit: datetime, *, closed: bool) -> list[Act]:
        """Return the courses of a party that sits down at ``sit``, and the end where ``closed``."""
        length = self._minutes(60, 100) + timedelta(minutes=3 * row.party_size)
        served = [
            self._act(row, sit + length * (n + 1) / 6, course, self._marking(course))
            for n, course in enumerate(COURSES)
        ]
        end = sit + length
        done = self._act(row, end, "done", lambda key: self._floor.done(key, end))
        return [*served, done] if closed else served[:3]

    def _arrivals(self, row: Reservation, come: datetime) -> Iterator[Act]:
        if row.party_size >= _PARTIAL_FROM and self._rng.random() < _PARTIAL_SHARE:
            yield self._act(
                row,
                come,
                "arrive_in_part",
                lambda key: self._floor.arrive(key, come, everyone=False),
            )
        whole = come + timedelta(seconds=50)
        yield self._act(row, whole, "arrive", lambda key: self._floor.arrive(key, whole))

    def _cancel(self, row: Reservation, at: datetime) -> Act:
        return self._act(row, at, "cancel", self._desk.cancel)

    def _marking(self, state: str) -> Callable[[str], Reservation]:
        return lambda key: self._floor.mark(key, state)

    def _act(
        self, row: Reservation, at: datetime, name: str, do: Callable[[str], Reservation]
    ) -> Act:
        def run() -> list[Act]:
            # Somebody else may have ended the visit meanwhile; only un-cancelling undoes an end.
            held = self._book.reservation(self._rid, row.key)
            if held and (held.state in ENDED) == (name == "uncancel"):
                do(row.key)
            return []

        return Act(at, name, run)

    def _minutes(self, least: int, most: int) -> timedelta:
        return timedelta(minutes=self._rng.randint(least, most))
