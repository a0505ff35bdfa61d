"""Whose a reservation is: the join with its guest, and the scrubbing of the forgotten."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from shared.core.change import Change
from shared.core.erasure import scrubbed_change, scrubbed_statements
from shared.core.guest import Guest
from shared.core.joined import Joined, Unknown, join
from shared.core.statements import Statements

GUEST_JOINED = "guest.joined"

Found = Mapping[str, Joined | Unknown]


class GuestNeeded(Struct, frozen=True):
    """What was read does not tell whose the reservation is; read this guest too."""

    key: str


class Heard(Struct, frozen=True):
    """A statement and what was held before it, both as they may be kept.

    Attributes:
        change: The statement, without the person where that person must be forgotten.
        before: What was held, likewise.
        after: Both together, with the guest that is then shown.
        tombstones: The guests of whom it only now shows that this reservation was theirs, and
            who must be forgotten.
    """

    change: Change
    before: Statements
    after: Statements
    tombstones: frozenset[str] = field(default_factory=frozenset)


def hear_with_guest(
    change: Change, before: Statements, guests: Mapping[str, Guest | None]
) -> Heard | GuestNeeded:
    """Join a statement, and the guest that the reservation then names.

    Once a reservation is known to be a forgotten guest's, every statement on it is scrubbed
    before it is kept, whoever makes it.

    Args:
        change: What is said.
        before: What was held.
        guests: Records by key, None where none is held; keys that were not read are not in it.
    """
    found = _look_up(change, before, guests)
    for each in found.values():
        if isinstance(each, Unknown) and not each.was_read:
            return GuestNeeded(each.key)
    after = settled(before.hear(change), found, anew=change.event_type == GUEST_JOINED)
    if not after.named.forgotten:
        return Heard(change, before, after)
    change, before = scrubbed_change(change), scrubbed_statements(before)
    gone = {each.key for each in found.values() if isinstance(each, Joined) and each.forgotten}
    tombstones = frozenset() if before.named.forgotten else frozenset(gone)
    scrubbed = replace(before.hear(change), guest=after.guest, named=after.named)
    return Heard(change, before, scrubbed, tombstones)


def settled(statements: Statements, found: Found, *, anew: bool) -> Statements:
    """Return statements with the guest that they show, out of those that were looked up.

    Args:
        statements: All that is said about a reservation.
        found: What guests lead to, by key, the shown one among them where it names any.
        anew: Whether every guest that was ever named was looked up.
    """
    shown = found.get(str(statements.shown("guestKey")))
    guest = shown if isinstance(shown, Joined) else None
    return replace(
        statements, guest=guest, named=statements.named.follow(found.values(), anew=anew)
    )


def _look_up(change: Change, before: Statements, guests: Mapping[str, Guest | None]) -> Found:
    """Find the guests on whom it depends what may be kept, and what is shown.

    Those that were named before are looked up only when a guest's record is news: it is told to
    all of its reservations then.
    """
    after, joins = before.hear(change), change.event_type == GUEST_JOINED
    keys = after.named.keys if joins else after.named.keys - before.named.keys
    found: dict[str, Joined | Unknown] = {key: join(key, guests) for key in sorted(keys)}
    shown = after.shown("guestKey")
    if isinstance(shown, str) and shown not in found:
        held = before.guest
        found[shown] = held if held and held.named == shown else join(shown, guests)
    return found
