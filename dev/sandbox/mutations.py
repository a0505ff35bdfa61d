"""The book's acts by name, for whoever speaks to the sandbox over HTTP."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from dev.sandbox.book import Book
from dev.sandbox.desk import Desk
from dev.sandbox.floor import Floor
from dev.sandbox.guestbook import Guestbook
from dev.sandbox.records import Guest, Reservation

Words = Mapping[str, Any]
Done = Reservation | Guest | list[Reservation]

DESK: dict[str, Callable[[Desk, Words], Reservation]] = {
    "book": lambda desk, said: desk.book(
        _moment(said["scheduled"]), int(said["party_size"]), guest_key=said.get("guest_key")
    ),
    "move": lambda desk, said: desk.move(said["key"], _moment(said["scheduled"])),
    "resize": lambda desk, said: desk.resize(said["key"], int(said["party_size"])),
    "tables": lambda desk, said: desk.tables(said["key"], *said["tables"]),
    "note": lambda desk, said: desk.note(said["key"], said["notes"]),
    "request": lambda desk, said: desk.request(said["key"], said["request"]),
    "cancel": lambda desk, said: desk.cancel(said["key"]),
    "uncancel": lambda desk, said: desk.uncancel(said["key"]),
}
FLOOR: dict[str, Callable[[Floor, Words], Reservation | list[Reservation]]] = {
    "arrive": lambda floor, said: floor.arrive(said["key"], everyone=said.get("everyone", True)),
    "seat": lambda floor, said: floor.seat(said["key"]),
    "mark": lambda floor, said: floor.mark(said["key"], said["state"]),
    "done": lambda floor, said: floor.done(said["key"]),
    "no_show": lambda floor, said: floor.no_show(said["key"]),
    "walk_in": lambda floor, said: floor.walk_in(int(said["party_size"])),
    "sweep": lambda floor, said: floor.sweep(date.fromisoformat(said["day"])),
}
GUESTS: dict[str, Callable[[Guestbook, Words], Guest]] = {
    "add_guest": lambda guests, said: guests.add(
        said.get("first_name", ""), said.get("last_name", ""), said.get("email", "")
    ),
    "rename": lambda guests, said: guests.rename(
        said["key"], said["first_name"], said["last_name"]
    ),
    "merge": lambda guests, said: guests.merge(said["key"], said["survivor"]),
    "forget": lambda guests, said: guests.forget(said["key"]),
}


def mutate(book: Book, said: Words) -> Done:
    """Carry out ``said["do"]`` on ``said["rid"]``, with the act's own words beside them.

    Raises:
        KeyError: An unknown act, rid or key, or a missing word.
        ValueError: A word that cannot be read.
    """
    act, rid = said["do"], int(said["rid"])
    book.restaurant(rid)
    if act in DESK:
        return DESK[act](Desk(book, rid), said)
    if act in FLOOR:
        return FLOOR[act](Floor(book, rid), said)
    return GUESTS[act](Guestbook(book, rid), said)


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError("Write 'scheduled' with its offset, e.g. 2026-03-14T19:15:00-04:00.")
    return read
