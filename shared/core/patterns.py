"""Reservation patterns: counts of visits by day and source, folded in any order to the same.

A day's roll-up is a pure function of the visits on it. It is made anew from the ledger by each
run, and what the run itself corrects is taken out as what it was counted and counted as what it
is: a reservation that moved or was cancelled counts once, where it is now.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, KeysView, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from shared.core.document import flatten_document, nest_fields
from shared.core.system import ReservationSystem
from shared.core.visits import MAX_COUNTED_PARTY_SIZE, BookingFacts, BookingOutcome, booking_facts

RollupCounts = Counter[str]
"""Dotted path to count, as ``coversByHour.19``; what is zero is left out.

``bookings`` were made ahead, whatever came of them, ``cancelled`` and ``noShows`` among them;
``walkIns`` came without; ``covers`` are the people of those who come or came, walk-ins included,
``cancelledCovers`` and ``noShowCovers`` of those who do not. By hour of the visit:
``bookingsByHour``, ``coversByHour``; by `LeadTimeBucket`: ``bookingsByLead``; by size:
``partiesBySize``, of
those who come or came.
"""

DailyRollup = dict[str, dict[str, Any]]
"""A day as it is stored: source to counts, the dotted ones as maps."""

UNKNOWN_BUCKET = "UNKNOWN"


class RollupBuilder:
    """The patterns of some days while their visits are counted.

    Args:
        days: The local dates wanted, ``YYYY-MM-DD``; visits on others are passed over.
        zone: The restaurant's.
    """

    def __init__(self, days: Iterable[str], zone: ZoneInfo) -> None:
        self._zone = zone
        self._days: dict[str, dict[ReservationSystem, RollupCounts]] = {}
        for day in days:
            self.reset_day(day)

    def reset_day(self, day: str) -> None:
        """Want a day, and forget what was counted on it."""
        self._days[day] = {system: Counter() for system in ReservationSystem}

    def add_document(self, document: Mapping[str, Any]) -> BookingFacts | None:
        """Count a document of the ledger where its day is wanted; return as what it counts.

        Args:
            document: As stored, its `visits.FACTS` at least.
        """
        facts = booking_facts(document, self._zone)
        if facts is not None and facts.local_date in self._days:
            count_booking(self._days[facts.local_date][facts.system], facts)
        return facts

    def remove_booking(self, facts: BookingFacts | None) -> None:
        """Undo the counting of a document, given as what it counted; None counted as nothing."""
        if facts is not None and facts.local_date in self._days:
            counts = self._days[facts.local_date][facts.system]
            counts.subtract(dict(_iter_counts(facts)))
            # A zero would be stored, and a day's form would depend on what has been on it.
            self._days[facts.local_date][facts.system] = +counts

    @property
    def days(self) -> KeysView[str]:
        """The days wanted."""
        return self._days.keys()

    def build_rollups(self) -> dict[str, DailyRollup]:
        """Return the days wanted, by date, those without a visit too."""
        return {
            day: {system.value: nest_fields(counts) for system, counts in sources.items()}
            for day, sources in self._days.items()
        }


def count_booking(counts: RollupCounts, facts: BookingFacts) -> None:
    """Add a visit to the counts of its day and source."""
    for path, number in _iter_counts(facts):
        counts[path] += number


def _iter_counts(facts: BookingFacts) -> Iterator[tuple[str, int]]:
    hour = UNKNOWN_BUCKET if facts.hour is None else f"{facts.hour:02}"
    covers = facts.party_size or 0
    if facts.lead_time is not None:
        yield "bookings", 1
        yield f"bookingsByHour.{hour}", 1
        yield f"bookingsByLead.{facts.lead_time}", 1
    if facts.outcome is BookingOutcome.ATTENDING:
        yield from _iter_attending_counts(facts, hour, covers)
    elif facts.lead_time is not None:
        # One who waited unbooked and left is neither a visit nor a broken booking.
        names = ("noShows", "noShowCovers")
        if facts.outcome is BookingOutcome.CANCELLED:
            names = ("cancelled", "cancelledCovers")
        yield from _iter_covers(names[1], covers)
        yield names[0], 1


def _iter_attending_counts(
    facts: BookingFacts, hour: str, covers: int
) -> Iterator[tuple[str, int]]:
    if facts.lead_time is None:
        yield "walkIns", 1
    yield from _iter_covers("covers", covers)
    yield from _iter_covers(f"coversByHour.{hour}", covers)
    size = (
        UNKNOWN_BUCKET if facts.party_size is None else f"{min(covers, MAX_COUNTED_PARTY_SIZE):02}"
    )
    yield f"partiesBySize.{size}", 1


def _iter_covers(path: str, covers: int) -> Iterator[tuple[str, int]]:
    # A zero would be stored, and a day's form would depend on what it is made of.
    if covers:
        yield path, covers


def counts_from_map(stored: Mapping[str, Any]) -> RollupCounts:
    """Return the counts of one source of a stored day."""
    return Counter(flatten_document(stored))


def sum_counts(counts: Iterable[RollupCounts]) -> RollupCounts:
    """Return the sum of counts; each may be of any day and source."""
    total: RollupCounts = Counter()
    for each in counts:
        total.update(each)
    return total
