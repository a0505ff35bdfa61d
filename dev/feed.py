"""The live feed at the terminal: one line an event, as it happens."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import TextIO
from zoneinfo import ZoneInfo

from dev.entries import Entry, Level, entry_of_answer, entry_of_line
from dev.scheduler import Answer

_COLOURS = {Level.REPAIR: 32, Level.WARNING: 33, Level.ERROR: 31}
_DIM = 2
_WHAT_WIDTH = 14
_UNKNOWN_TIME = " " * 9


class Feed:
    """Prints entries, each with the real time and the restaurant's simulated one.

    Args:
        out: Where to.
        now: The real time, in the zone that the developer lives in.
        simulated: The sandbox's simulated time; None while it has none.
        zone: The restaurant's.
        colour: Whether `out` shows colours.
    """

    def __init__(
        self,
        out: TextIO,
        now: Callable[[], datetime],
        simulated: Callable[[], datetime | None],
        zone: ZoneInfo,
        *,
        colour: bool,
    ) -> None:
        self._out = out
        self._now = now
        self._simulated = simulated
        self._zone = zone
        self._colour = colour
        # Children's readers and the scheduler's jobs all have threads of their own.
        self._lock = Lock()

    def head(self) -> None:
        """Print the columns' names."""
        self._print(self._paint("real      simulated  event", _DIM))

    def lines_of(self, source: str) -> Callable[[str], None]:
        """Return what takes a process's lines, for `dev.processes.running`.

        Args:
            source: The process's name.
        """
        return lambda line: self._show(entry_of_line(source, line))

    def answered(self, job: str, answer: Answer) -> None:
        """Show the answer to one of the scheduler's calls where no log line tells it."""
        entry = entry_of_answer(job, answer)
        if entry is not None:
            self._show(entry)

    def _show(self, entry: Entry) -> None:
        times = self._paint(f"{self._now():%H:%M:%S}  {self._simulated_time()}", _DIM)
        said = f"{entry.what:<{_WHAT_WIDTH}}  {entry.text}".rstrip()
        self._print(f"{times}  {self._paint(said, _COLOURS.get(entry.level))}")

    def _simulated_time(self) -> str:
        at = self._simulated()
        return _UNKNOWN_TIME if at is None else f"{at.astimezone(self._zone):%a %H:%M}"

    def _paint(self, text: str, code: int | None) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text

    def _print(self, line: str) -> None:
        with self._lock:
            self._out.write(f"{line}\n")
            self._out.flush()
