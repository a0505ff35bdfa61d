"""The live feed at the terminal: one line an event, as it happens."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import TextIO
from zoneinfo import ZoneInfo

from dev.entries import LiveLogEntry, LiveLogLevel, describe_job_response, parse_log_line
from dev.scheduler import JobResponse

_COLORS = {LiveLogLevel.REPAIR: 32, LiveLogLevel.WARNING: 33, LiveLogLevel.ERROR: 31}
_DIM = 2
_EVENT_WIDTH = 14
_UNKNOWN_TIME = " " * 9


class LiveLog:
    """Prints entries, each with the real time and the restaurant's simulated one.

    Args:
        out: Where to.
        clock: The real time, in the zone that the developer lives in.
        simulated_clock: The sandbox's simulated time; None while it has none.
        zone: The restaurant's.
        use_color: Whether `out` shows colours.
    """

    def __init__(
        self,
        out: TextIO,
        clock: Callable[[], datetime],
        simulated_clock: Callable[[], datetime | None],
        zone: ZoneInfo,
        *,
        use_color: bool,
    ) -> None:
        self._out = out
        self._clock = clock
        self._simulated_clock = simulated_clock
        self._zone = zone
        self._has_color = use_color
        # Children's readers and the scheduler's jobs all have threads of their own.
        self._lock = Lock()

    def print_header(self) -> None:
        """Print the columns' names."""
        self._print(self._colorize("real      simulated  event", _DIM))

    def build_line_handler(self, source: str) -> Callable[[str], None]:
        """Return what takes a process's lines, for `dev.processes.run_process`.

        Args:
            source: The process's name.
        """
        return lambda line: self._print_entry(parse_log_line(source, line))

    def show_job_response(self, job: str, response: JobResponse) -> None:
        """Show the answer to one of the scheduler's calls where no log line tells it."""
        entry = describe_job_response(job, response)
        if entry is not None:
            self._print_entry(entry)

    def _print_entry(self, entry: LiveLogEntry) -> None:
        times = self._colorize(f"{self._clock():%H:%M:%S}  {self._simulated_time()}", _DIM)
        message = f"{entry.event:<{_EVENT_WIDTH}}  {entry.text}".rstrip()
        self._print(f"{times}  {self._colorize(message, _COLORS.get(entry.level))}")

    def _simulated_time(self) -> str:
        simulated_time = self._simulated_clock()
        return (
            _UNKNOWN_TIME
            if simulated_time is None
            else f"{simulated_time.astimezone(self._zone):%a %H:%M}"
        )

    def _colorize(self, text: str, code: int | None) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._has_color and code else text

    def _print(self, line: str) -> None:
        with self._lock:
            self._out.write(f"{line}\n")
            self._out.flush()
