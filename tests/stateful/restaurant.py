"""The state machine's restaurant: OpenTable, two webhook senders, two workers, skewed clocks."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

from sandbox.api import OPENTABLE_PRODUCTION_URL
from sandbox.clock import SkewedClock
from sandbox.guest_actions import GuestActions
from sandbox.models import SandboxReservation
from sandbox.reservation_actions import ReservationActions, VisitActions
from sandbox.sync_rows import RenderContext, build_webhook_row
from sandbox.webhook_senders import RelayIdentity, build_relay_envelope
from shared.firestore.raw_client import FirestoreClient
from tests.stateful.workers import NATIVE_RESERVATION_ID, Worker, make_worker
from tests.support.reservations import write_native_reservation
from tests.support.world import NEW_YORK, World, make_world


@dataclass(slots=True)
class MachineRestaurant:
    """The object of all rules.

    `relay_skew` is the difference of the relay's clock to OpenTable's. `sent` contains every
    webhook
    body, delivered or not.
    """

    world: World
    opentable_clock: SkewedClock
    workers: tuple[Worker, Worker]
    relay_skew: timedelta = timedelta(0)
    sent: list[bytes] = field(default_factory=list)

    @property
    def rid(self) -> int:
        """The restaurant's number at OpenTable."""
        return int(self.world.restaurant.rid)

    @property
    def reservation_actions(self) -> ReservationActions:
        """Actions before a visit."""
        return self.world.desk

    @property
    def visit_actions(self) -> VisitActions:
        """Actions during a visit."""
        return VisitActions(self.world.sandbox.store, self.rid)

    @property
    def guest_actions(self) -> GuestActions:
        """Actions on guests."""
        return GuestActions(self.world.sandbox.store, self.rid)

    def reservation(self, number: int) -> SandboxReservation:
        """Return a reservation by any number; 0 is the newest."""
        rows = self.world.sandbox.store.list_reservations(self.rid)
        return rows[-1 - number % len(rows)]

    def guest_keys(self) -> list[str]:
        """Return the keys of guests that are neither merged nor erased."""
        guests = self.world.sandbox.store.list_guests(self.rid)
        return [guest.key for guest in guests if not guest.archived and not guest.forgotten]

    def make_rows_readable(self) -> None:
        """Make every row readable again."""
        for row in self.world.sandbox.store.list_reservations(self.rid):
            if not row.party_size:
                self.reservation_actions.change_party_size(row.key, 2)

    def message(self, number: int) -> bytes:
        """Return one of the webhooks, whatever the number; 0 is the newest."""
        return self.sent[-1 - number % len(self.sent)]

    def send_webhooks(self, before: SandboxReservation | None, after: SandboxReservation) -> None:
        """Send OpenTable's webhook of an event, and the relay's."""
        view = RenderContext("gold", NEW_YORK, OPENTABLE_PRODUCTION_URL)
        self._send(build_webhook_row(after, view))
        book, restaurant_id = self.world.sandbox.store, self.world.restaurant.id
        at = book.now() + self.relay_skew
        head = RelayIdentity(f"evt_{len(self.sent)}", at, restaurant_id, "Demo")
        self._send(
            build_relay_envelope(before, after, book.get_guest(after.rid, after.guest_key), head)
        )

    def _send(self, body: object) -> None:
        if body is not None:
            self.sent.append(json.dumps(body).encode())


async def open_machine_restaurant(firestore: FirestoreClient) -> MachineRestaurant:
    """Open a restaurant without reservations."""
    world = await make_world(firestore)
    skewed = SkewedClock(world.clock)
    world.sandbox.store._clock = skewed
    restaurant = MachineRestaurant(world, skewed, (make_worker(world), make_worker(world)))
    world.sandbox.store.add_listener(restaurant.send_webhooks)
    await write_native_reservation(world, NATIVE_RESERVATION_ID)
    return restaurant
