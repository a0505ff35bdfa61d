"""The guest that a reservation shows: found by its id and through merges, never by time.

Whom a reservation ever named: what must be known of it long after it names somebody else.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from shared.domain.ledger.events import Version, version_from_map, version_to_map
from shared.domain.normalization.opentable_guest import UNVERSIONED, Guest

MAX_MERGES = 16


class LinkedGuest(Struct, frozen=True):
    """The guest as joined to a reservation.

    Attributes:
        path: The keys from the one that the reservation names to the one that it leads to,
            through merges.
        version: The version of that guest's record.
        is_forgotten: Whether the person must be forgotten.
        diner_name: The guest's name, None where it is not known.
        phone: The guest's first number.
        email: The guest's e-mail address.
        marketing_opted_out: Whether the guest wants no marketing, None where OpenTable does not
            tell.
        email_optin: Whether the guest wants mail, likewise.
    """

    path: tuple[str, ...]
    version: Version
    is_forgotten: bool = False
    diner_name: str | None = None
    phone: str | None = None
    email: str | None = None
    marketing_opted_out: bool | None = None
    email_optin: bool | None = None

    @property
    def details(self) -> tuple[str | None, ...]:
        """What a reservation shows of the guest."""
        return self.diner_name, self.phone, self.email

    @property
    def referenced_key(self) -> str:
        """The key that the reservation's ``guestId`` names."""
        return self.path[0]

    @property
    def key(self) -> str:
        """The key that the named one leads to."""
        return self.path[-1]


class UnresolvedGuest(Struct, frozen=True):
    """Nothing is held of the guest that a key leads to.

    Attributes:
        path: The keys from the named one to that guest's.
        was_read: Whether it was looked for.
    """

    path: tuple[str, ...]
    was_read: bool

    @property
    def key(self) -> str:
        """The key that the named one leads to."""
        return self.path[-1]


def resolve_guest(
    referenced_key: str, guests: Mapping[str, Guest | None]
) -> LinkedGuest | UnresolvedGuest:
    """Follow a key to the guest that it leads to.

    Merges may form chains; one that never ends leads to nobody.

    Args:
        referenced_key: The key that a reservation names.
        guests: Records by key, None where none is held; keys that were not read are not in it.
    """
    path = [referenced_key]
    while len(path) <= MAX_MERGES:
        guest = guests.get(path[-1])
        if guest is None:
            return UnresolvedGuest(tuple(path), was_read=path[-1] in guests)
        if guest.survivor_key is None:
            return _link_guest(tuple(path), guest)
        if guest.survivor_key in path:
            break
        path.append(guest.survivor_key)
    return UnresolvedGuest(tuple(path), was_read=True)


def _link_guest(path: tuple[str, ...], guest: Guest) -> LinkedGuest:
    if guest.forgotten_at is not None:
        return LinkedGuest(path, guest.version, is_forgotten=True)
    phones = guest.profile.get("phones") or [None]
    return LinkedGuest(
        path,
        guest.version,
        diner_name=guest.diner_name,
        phone=phones[0],
        email=guest.profile.get("email"),
        marketing_opted_out=guest.profile.get("marketingOptedOut"),
        email_optin=guest.profile.get("emailOptin"),
    )


def linked_guest_to_map(linked_guest: LinkedGuest) -> dict[str, Any]:
    """Return a join as a map of the reservation's ``sync``."""
    if linked_guest.is_forgotten:
        return {"path": list(linked_guest.path), "forgotten": True}
    return {
        "path": list(linked_guest.path),
        "version": version_to_map(linked_guest.version),
        "dinerName": linked_guest.diner_name,
        "phone": linked_guest.phone,
        "email": linked_guest.email,
        "marketingOptedOut": linked_guest.marketing_opted_out,
        "emailOptin": linked_guest.email_optin,
    }


def linked_guest_from_map(stored: Mapping[str, Any]) -> LinkedGuest:
    """Read a join back."""
    path = tuple(stored["path"])
    if stored.get("forgotten"):
        return LinkedGuest(path, UNVERSIONED, is_forgotten=True)
    return LinkedGuest(
        path,
        version_from_map(stored["version"]),
        diner_name=stored["dinerName"],
        phone=stored["phone"],
        email=stored["email"],
        marketing_opted_out=stored["marketingOptedOut"],
        email_optin=stored["emailOptin"],
    )


class GuestReferences(Struct, frozen=True):
    """Whom a reservation ever named; a later statement may name another guest, or nobody.

    Attributes:
        keys: The guests that any statement named.
        resolved_keys: The same, and those to whom they lead through merges.
        has_forgotten_guest: Whether any of these must be forgotten. It stays so: then nothing
            personal is
            kept of the reservation, in whatever order all this became known.
    """

    keys: frozenset[str] = frozenset()
    resolved_keys: frozenset[str] = frozenset()
    has_forgotten_guest: bool = False

    def with_key(self, key: object) -> "GuestReferences":
        """Return this with a statement's guest; None is nobody."""
        if not isinstance(key, str):
            return self
        return GuestReferences(
            self.keys | {key}, self.resolved_keys | {key}, self.has_forgotten_guest
        )

    def with_resolved(
        self, guests: Iterable[LinkedGuest | UnresolvedGuest], *, is_complete: bool
    ) -> "GuestReferences":
        """Return this with what guests were found to lead to.

        Args:
            guests: Guests that were looked up.
            is_complete: Whether these are all of them, so that earlier findings are void.
        """
        guests = list(guests)
        resolved_keys = self.keys.union(*(guest.path for guest in guests))
        has_forgotten = any(
            isinstance(guest, LinkedGuest) and guest.is_forgotten for guest in guests
        )
        return GuestReferences(
            self.keys,
            resolved_keys if is_complete else self.resolved_keys | resolved_keys,
            self.has_forgotten_guest or has_forgotten,
        )
