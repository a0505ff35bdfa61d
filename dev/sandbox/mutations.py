"""The book's acts by name, for whoever speaks to the sandbox over HTTP."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from dev.sandbox.book import SandboxStore
from dev.sandbox.desk import ReservationActions
from dev.sandbox.floor import VisitActions
from dev.sandbox.guestbook import GuestActions
from dev.sandbox.records import SandboxGuest, SandboxReservation

ActionBody = Mapping[str, Any]
ActionResult = SandboxReservation | SandboxGuest | list[SandboxReservation]

RESERVATION_ACTIONS: dict[str, Callable[[ReservationActions, ActionBody], SandboxReservation]] = {
    "book": lambda desk, said: desk.create(
        _parse_time(said["scheduled"]), int(said["party_size"]), guest_key=said.get("guest_key")
    ),
    "move": lambda desk, said: desk.reschedule(said["key"], _parse_time(said["scheduled"])),
    "resize": lambda desk, said: desk.change_party_size(said["key"], int(said["party_size"])),
    "tables": lambda desk, said: desk.assign_tables(said["key"], *said["tables"]),
    "note": lambda desk, said: desk.set_notes(said["key"], said["notes"]),
    "request": lambda desk, said: desk.set_request(said["key"], said["request"]),
    "cancel": lambda desk, said: desk.cancel(said["key"]),
    "uncancel": lambda desk, said: desk.uncancel(said["key"]),
}
VISIT_ACTIONS: dict[
    str, Callable[[VisitActions, ActionBody], SandboxReservation | list[SandboxReservation]]
] = {
    "arrive": lambda floor, said: floor.record_arrival(
        said["key"], everyone=said.get("everyone", True)
    ),
    "seat": lambda floor, said: floor.seat(said["key"]),
    "mark": lambda floor, said: floor.set_state(said["key"], said["state"]),
    "done": lambda floor, said: floor.finish(said["key"]),
    "no_show": lambda floor, said: floor.mark_no_show(said["key"]),
    "walk_in": lambda floor, said: floor.add_walk_in(int(said["party_size"])),
    "sweep": lambda floor, said: floor.close_open_visits(date.fromisoformat(said["day"])),
}
GUEST_ACTIONS: dict[str, Callable[[GuestActions, ActionBody], SandboxGuest]] = {
    "add_guest": lambda guests, said: guests.add(
        said.get("first_name", ""), said.get("last_name", ""), said.get("email", "")
    ),
    "rename": lambda guests, said: guests.rename(
        said["key"], said["first_name"], said["last_name"]
    ),
    "merge": lambda guests, said: guests.merge(said["key"], said["survivor"]),
    "forget": lambda guests, said: guests.forget(said["key"]),
}


def apply_named_action(store: SandboxStore, body: ActionBody) -> ActionResult:
    """Carry out ``said["do"]`` on ``said["rid"]``, with the act's own words beside them.

    Raises:
        KeyError: An unknown act, rid or key, or a missing word.
        ValueError: A word that cannot be read.
    """
    action, rid = body["do"], int(body["rid"])
    store.get_restaurant(rid)
    if action in RESERVATION_ACTIONS:
        return RESERVATION_ACTIONS[action](ReservationActions(store, rid), body)
    if action in VISIT_ACTIONS:
        return VISIT_ACTIONS[action](VisitActions(store, rid), body)
    return GUEST_ACTIONS[action](GuestActions(store, rid), body)


def _parse_time(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError("Write 'scheduled' with its offset, e.g. 2026-03-14T19:15:00-04:00.")
    return parsed
