"""The sandbox behind a real socket, in a thread: its book is at hand while it is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Thread
from zoneinfo import ZoneInfo

import uvicorn

from dev.processes import LOOPBACK, find_free_port, wait_until_reachable
from dev.sandbox.answers import OpenTableApi
from dev.sandbox.desk import ReservationActions
from dev.sandbox.records import SandboxReservation, SandboxRestaurant
from dev.sandbox.server import create_sandbox_app
from dev.sandbox.station import SimulatorConfig, build_simulator

_SECONDS = 20
_VISIT_TIME = datetime(2026, 3, 14, 23, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BookedReservation:
    """A reservation, and the desk that may change it."""

    desk: ReservationActions
    reservation: SandboxReservation


@dataclass(frozen=True, slots=True)
class LocalOpenTable:
    """A running OpenTable.

    Attributes:
        url: Its address.
        sandbox: Its inside.
    """

    url: str
    sandbox: OpenTableApi

    def book_at(self, rid: str, party_size: int, at: datetime = _VISIT_TIME) -> BookedReservation:
        """Take a restaurant in, where it is not in yet, and book a table there."""
        if int(rid) not in {one.rid for one in self.sandbox.store.list_restaurants()}:
            self.sandbox.store.add_restaurant(
                SandboxRestaurant(int(rid), "Demo", ZoneInfo("America/New_York"))
            )
        self.sandbox.tokens.partners[0].rids.add(int(rid))
        desk = ReservationActions(self.sandbox.store, int(rid))
        return BookedReservation(desk, desk.create(at, party_size))

    def tomorrow(self) -> datetime:
        """Return this time tomorrow."""
        return self.sandbox.store.now() + timedelta(days=1)

    def book_tomorrow(self, rid: str, party_size: int) -> BookedReservation:
        """Book a table for this time tomorrow; else as `book_at`."""
        return self.book_at(rid, party_size, self.tomorrow())


@contextmanager
def serve_local_opentable() -> Iterator[LocalOpenTable]:
    """Serve an OpenTable with no restaurants until the block ends."""
    port = find_free_port()
    url = f"http://{LOOPBACK}:{port}"
    station = build_simulator(SimulatorConfig(zones={}, base_url=url))
    config = uvicorn.Config(create_sandbox_app(station), LOOPBACK, port, log_level="error")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until_reachable(url, _SECONDS)
        yield LocalOpenTable(url, station.api)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(_SECONDS)
