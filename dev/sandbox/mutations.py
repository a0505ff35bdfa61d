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
    "book": lambda actions, body: actions.create(
        _parse_time(body["scheduled"]), int(body["party_size"]), guest_key=body.get("guest_key")
    ),
    "move": lambda actions, body: actions.reschedule(body["key"], _parse_time(body["scheduled"])),
    "resize": lambda actions, body: actions.change_party_size(body["key"], int(body["party_size"])),
    "tables": lambda actions, body: actions.assign_tables(body["key"], *body["tables"]),
    "note": lambda actions, body: actions.set_notes(body["key"], body["notes"]),
    "request": lambda actions, body: actions.set_request(body["key"], body["request"]),
    "cancel": lambda actions, body: actions.cancel(body["key"]),
    "uncancel": lambda actions, body: actions.uncancel(body["key"]),
}
VISIT_ACTIONS: dict[
    str, Callable[[VisitActions, ActionBody], SandboxReservation | list[SandboxReservation]]
] = {
    "arrive": lambda actions, body: actions.record_arrival(
        body["key"], everyone=body.get("everyone", True)
    ),
    "seat": lambda actions, body: actions.seat(body["key"]),
    "mark": lambda actions, body: actions.set_state(body["key"], body["state"]),
    "done": lambda actions, body: actions.finish(body["key"]),
    "no_show": lambda actions, body: actions.mark_no_show(body["key"]),
    "walk_in": lambda actions, body: actions.add_walk_in(int(body["party_size"])),
    "sweep": lambda actions, body: actions.close_open_visits(date.fromisoformat(body["day"])),
}
GUEST_ACTIONS: dict[str, Callable[[GuestActions, ActionBody], SandboxGuest]] = {
    "add_guest": lambda actions, body: actions.add(
        body.get("first_name", ""), body.get("last_name", ""), body.get("email", "")
    ),
    "rename": lambda actions, body: actions.rename(
        body["key"], body["first_name"], body["last_name"]
    ),
    "merge": lambda actions, body: actions.merge(body["key"], body["survivor"]),
    "forget": lambda actions, body: actions.forget(body["key"]),
}


def apply_named_action(store: SandboxStore, body: ActionBody) -> ActionResult:
    """Carry out ``body["do"]`` on ``body["rid"]``, with the act's own words beside them.

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
