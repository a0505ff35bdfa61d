"""Reservation patterns: counts of visits by day and source, folded in any order to the same.

A day's roll-up is a pure function of the visits on it. It is made anew from the ledger by each
run, and what the run itself corrects is taken out as what it was counted and counted as what it
is: a reservation that moved or was cancelled counts once, where it is now.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, KeysView, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from shared.core.document import flatten, nest
from shared.core.system import System
from shared.core.visits import LARGEST_PARTY, Outcome, Visit, visit_of

Counts = Counter[str]
"""Dotted path to count, as ``coversByHour.19``; what is zero is left out.

``bookings`` were made ahead, whatever came of them, ``cancelled`` and ``noShows`` among them;
``walkIns`` came without; ``covers`` are the people of those who come or came, walk-ins included,
``cancelledCovers`` and ``noShowCovers`` of those who do not. By hour of the visit:
``bookingsByHour``, ``coversByHour``; by `Lead`: ``bookingsByLead``; by size: ``partiesBySize``, of
those who come or came.
"""

RollUp = dict[str, dict[str, Any]]
"""A day as it is stored: source to counts, the dotted ones as maps."""

UNKNOWN = "UNKNOWN"


class Tally:
    """The patterns of some days while their visits are counted.

    Args:
        days: The local dates wanted, ``YYYY-MM-DD``; visits on others are passed over.
        zone: The restaurant's.
    """

    def __init__(self, days: Iterable[str], zone: ZoneInfo) -> None:
        self._zone = zone
        self._days: dict[str, dict[System, Counts]] = {}
        for day in days:
            self.begin(day)

    def begin(self, day: str) -> None:
        """Want a day, and forget what was counted on it."""
        self._days[day] = {system: Counter() for system in System}

    def take(self, document: Mapping[str, Any]) -> Visit | None:
        """Count a document of the ledger where its day is wanted; return as what it counts.

        Args:
            document: As stored, its `visits.FACTS` at least.
        """
        visit = visit_of(document, self._zone)
        if visit is not None and visit.day in self._days:
            count(self._days[visit.day][visit.system], visit)
        return visit

    def take_out(self, visit: Visit | None) -> None:
        """Undo the counting of a document, given as what it counted; None counted as nothing."""
        if visit is not None and visit.day in self._days:
            counts = self._days[visit.day][visit.system]
            counts.subtract(dict(_counted(visit)))
            # A zero would be stored, and a day's form would depend on what has been on it.
            self._days[visit.day][visit.system] = +counts

    @property
    def days(self) -> KeysView[str]:
        """The days wanted."""
        return self._days.keys()

    def roll_ups(self) -> dict[str, RollUp]:
        """Return the days wanted, by date, those without a visit too."""
        return {
            day: {system.value: nest(counts) for system, counts in sources.items()}
            for day, sources in self._days.items()
        }


def count(counts: Counts, visit: Visit) -> None:
    """Add a visit to the counts of its day and source."""
    for path, number in _counted(visit):
        counts[path] += number


def _counted(visit: Visit) -> Iterator[tuple[str, int]]:
    hour = UNKNOWN if visit.hour is None else f"{visit.hour:02}"
    people = visit.party or 0
    if visit.lead is not None:
        yield "bookings", 1
        yield f"bookingsByHour.{hour}", 1
        yield f"bookingsByLead.{visit.lead}", 1
    if visit.outcome is Outcome.COMES:
        yield from _coming(visit, hour, people)
    elif visit.lead is not None:
        # One who waited unbooked and left is neither a visit nor a broken booking.
        names = ("noShows", "noShowCovers")
        if visit.outcome is Outcome.CANCELLED:
            names = ("cancelled", "cancelledCovers")
        yield from _people(names[1], people)
        yield names[0], 1


def _coming(visit: Visit, hour: str, people: int) -> Iterator[tuple[str, int]]:
    if visit.lead is None:
        yield "walkIns", 1
    yield from _people("covers", people)
    yield from _people(f"coversByHour.{hour}", people)
    size = UNKNOWN if visit.party is None else f"{min(people, LARGEST_PARTY):02}"
    yield f"partiesBySize.{size}", 1


def _people(path: str, people: int) -> Iterator[tuple[str, int]]:
    # A zero would be stored, and a day's form would depend on what it is made of.
    if people:
        yield path, people


def counts_from(stored: Mapping[str, Any]) -> Counts:
    """Return the counts of one source of a stored day."""
    return Counter(flatten(stored))


def summed(counts: Iterable[Counts]) -> Counts:
    """Return the sum of counts; each may be of any day and source."""
    whole: Counts = Counter()
    for each in counts:
        whole.update(each)
    return whole
