"""The state machine's restaurant: OpenTable, two webhook senders, two workers, skewed clocks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.actions import GuestActions, ReservationActions, VisitActions
from sandbox.api import OPENTABLE_PRODUCTION_URL
from sandbox.clock import SkewedClock
from sandbox.models import SandboxReservation
from sandbox.sync_rows import RenderContext, build_reservation_row, build_webhook_row
from sandbox.webhook_senders import RelayIdentity, build_relay_envelope
from shared.firestore.raw_client import FirestoreClient
from tests.stateful.damage import DamagedDocuments
from tests.stateful.workers import NATIVE_RESERVATION_ID, Worker, make_worker
from tests.support.reservations import write_native_reservation
from tests.support.world import NEW_YORK, World, build_rewriting_handler, make_world


@dataclass(slots=True)
class MachineRestaurant:
    """The object of all rules.

    `relay_skew` is the difference of the relay's clock to OpenTable's. `sent` contains every
    webhook body, delivered or not; `originals` leaves out other spellings. `spellings` maps a
    reservation's key to the fields that the API spells in another way: both spellings.
    """

    world: World
    opentable_clock: SkewedClock
    workers: tuple[Worker, Worker]
    relay_skew: timedelta = timedelta(0)
    sent: list[bytes] = field(default_factory=list)
    originals: list[dict[str, Any]] = field(default_factory=list)
    spellings: dict[str, dict[str, tuple[object, object]]] = field(default_factory=dict)
    damaged: DamagedDocuments = field(default_factory=DamagedDocuments)

    @property
    def rid(self) -> int:
        """The restaurant's number at OpenTable."""
        return int(self.world.restaurant.rid)

    @property
    def reservation_actions(self) -> ReservationActions:
        """Actions before a visit."""
        return self.world.actions

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

    def original(self, number: int) -> dict[str, Any]:
        """Return the body of one of the webhooks as first sent; 0 is the newest."""
        return self.originals[-1 - number % len(self.originals)]

    def api_row(self, number: int) -> dict[str, Any]:
        """Return a reservation's row as the API answers it."""
        reservation = self.reservation(number)
        guest = self.world.sandbox.store.get_guest(self.rid, reservation.guest_key)
        return dict(build_reservation_row(reservation, guest, self._render_context()))

    def spell_row(self, row: Mapping[str, Any], other: Mapping[str, Any]) -> None:
        """Have the API answer `other` for `row`, as far as a field has not changed since."""
        self.spellings[_key_of(row)] = {name: (row[name], other[name]) for name in row}

    def _other_spelling(self, row: Mapping[str, Any]) -> dict[str, object]:
        spelled = self.spellings.get(_key_of(row), {})
        return {
            name: other
            for name, (original, other) in spelled.items()
            if name in row and row[name] == original
        }

    def send_webhooks(self, before: SandboxReservation | None, after: SandboxReservation) -> None:
        """Send OpenTable's webhook of an event, and the relay's."""
        self._send(dict(build_webhook_row(after, self._render_context())))
        book, restaurant_id = self.world.sandbox.store, self.world.restaurant.id
        at = book.now() + self.relay_skew
        head = RelayIdentity(f"evt_{len(self.sent)}", at, restaurant_id, "Demo")
        self._send(
            build_relay_envelope(before, after, book.get_guest(after.rid, after.guest_key), head)
        )

    def _render_context(self) -> RenderContext:
        return RenderContext("gold", NEW_YORK, OPENTABLE_PRODUCTION_URL)

    def _send(self, body: dict[str, Any] | None) -> None:
        if body is not None:
            self.originals.append(body)
            self.sent.append(json.dumps(body).encode())


def _key_of(row: Mapping[str, Any]) -> str:
    return str(row.get("id", "")).rpartition("-")[2].lower()


async def open_machine_restaurant(firestore: FirestoreClient) -> MachineRestaurant:
    """Open a restaurant without reservations."""
    world = await make_world(firestore)
    skewed = SkewedClock(world.clock)
    world.sandbox.store._clock = skewed
    restaurant = MachineRestaurant(world, skewed, (make_worker(world), make_worker(world)))
    handler = build_rewriting_handler(world.sandbox, restaurant._other_spelling)
    world.sandbox.handle = handler  # type: ignore[assignment]  # rows in other spellings
    world.sandbox.store.add_listener(restaurant.send_webhooks)
    await write_native_reservation(world, NATIVE_RESERVATION_ID)
    return restaurant
