"""Whose a reservation is: the join with its guest, and the scrubbing of the forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.core.change import Change
from shared.core.erasure import scrubbed_change, scrubbed_statements
from shared.core.guest import Guest
from shared.core.joined import Joined, Unknown, join
from shared.core.statements import Statements

GUEST_JOINED = "guest.joined"


@dataclass(frozen=True, slots=True)
class GuestNeeded:
    """What was read does not tell whose the reservation is; read this guest too."""

    key: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A statement and what was held before it, both as they may be kept.

    Attributes:
        change: The statement, without the person where that person must be forgotten.
        before: What was held, likewise.
        after: Both together, with the guest that is then shown.
    """

    change: Change
    before: Statements
    after: Statements


def hear_with_guest(
    change: Change, before: Statements, guests: Mapping[str, Guest | None]
) -> Heard | GuestNeeded:
    """Join a statement, and the guest that the reservation then names.

    While a reservation's guest is forgotten, every statement on it is scrubbed before it is
    kept, whoever makes it.

    Args:
        change: What is said.
        before: What was held.
        guests: Records by key, None where none is held; keys that were not read are not in it.
    """
    named = change.said.get("guestKey")
    shown = before.hear(change).shown("guestKey")
    of_change = _lookup(named, change, before, guests)
    of_reservation = _lookup(shown, change, before, guests)
    for found in (of_change, of_reservation):
        if isinstance(found, Unknown) and not found.was_read:
            return GuestNeeded(found.key)
    if _is_forgotten(of_change) or _is_forgotten(of_reservation):
        change = scrubbed_change(change)
    if _is_forgotten(of_reservation):
        before = scrubbed_statements(before)
    guest = of_reservation if isinstance(of_reservation, Joined) else None
    return Heard(change, before, replace(before.hear(change), guest=guest))


def _lookup(
    named: object, change: Change, before: Statements, guests: Mapping[str, Guest | None]
) -> Joined | Unknown | None:
    """Find the guest of a key: the one joined before, unless this very change brings a guest."""
    if not isinstance(named, str):
        return None
    held = before.guest
    if held is not None and held.named == named and change.event_type != GUEST_JOINED:
        return held
    return join(named, guests)


def _is_forgotten(found: Joined | Unknown | None) -> bool:
    return isinstance(found, Joined) and found.forgotten
