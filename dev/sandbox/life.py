"""Plays evening after evening at a chosen speed; the nights between are skipped."""

from datetime import date, datetime, time, timedelta
from threading import Event

from dev.sandbox.book import Book
from dev.sandbox.evening import Evening

_TICK_SECONDS = 0.2


class Life:
    """One restaurant's days in simulated time; ``at`` is where it stands (aware, None at first)."""

    def __init__(
        self, book: Book, rid: int, speed: float, seed: int = 0, opens: time | None = None
    ) -> None:
        """Live ``rid``'s days, ``speed`` simulated seconds a second; 0 stands still.

        What the first day brings before the local time ``opens`` happens at once, at the start.
        """
        self.speed = speed
        self.at: datetime | None = None
        self._book = book
        self._rid = rid
        self._seed = seed
        self._opens = opens

    def run(self, stop: Event) -> None:
        """Play from today's opening on, until ``stop`` is set."""
        zone = self._book.restaurant(self._rid).zone
        day = self._book.now().astimezone(zone).date()
        at = None if self._opens is None else datetime.combine(day, self._opens, zone)
        while not stop.is_set():
            self._play(day, at, stop)
            at = None
            day += timedelta(days=1)

    def _play(self, day: date, at: datetime | None, stop: Event) -> None:
        evening = Evening(self._book, self._rid, day, self._seed)
        self.at = at or evening.next_at()
        while (due := evening.next_at()) is not None and self._reach(due, stop):
            evening.step()

    def _reach(self, due: datetime, stop: Event) -> bool:
        # In small ticks, so that a change of speed is felt at once.
        while self.at is not None and self.at < due:
            if self.speed > 0:
                left = (due - self.at).total_seconds() / self.speed
                tick = min(_TICK_SECONDS, left)
            else:
                tick = _TICK_SECONDS
            if stop.wait(tick):
                return False
            self.at = min(due, self.at + timedelta(seconds=tick * self.speed + 1e-6))
        return not stop.is_set()
