"""The guest that a reservation shows: found by its id and through merges, never by time."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from shared.core.change import Version
from shared.core.guest import UNVERSIONED, Guest
from shared.core.versions import stored_version, version_from

MOST_MERGES = 16


class Joined(Struct, frozen=True):
    """The guest as joined to a reservation.

    Attributes:
        path: The keys from the one that the reservation names to the one that it leads to,
            through merges.
        version: The version of that guest's record.
        forgotten: Whether the person must be forgotten.
        diner_name: The guest's name, None where it is not known.
        phone: The guest's first number.
        email: The guest's e-mail address.
        marketing_opted_out: Whether the guest wants no marketing, None where OpenTable does not
            tell.
        email_optin: Whether the guest wants mail, likewise.
    """

    path: tuple[str, ...]
    version: Version
    forgotten: bool = False
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
    def named(self) -> str:
        """The key that the reservation's ``guestId`` names."""
        return self.path[0]

    @property
    def key(self) -> str:
        """The key that the named one leads to."""
        return self.path[-1]


class Unknown(Struct, frozen=True):
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


def join(named: str, guests: Mapping[str, Guest | None]) -> Joined | Unknown:
    """Follow a key to the guest that it leads to.

    Merges may form chains; one that never ends leads to nobody.

    Args:
        named: The key that a reservation names.
        guests: Records by key, None where none is held; keys that were not read are not in it.
    """
    path = [named]
    while len(path) <= MOST_MERGES:
        guest = guests.get(path[-1])
        if guest is None:
            return Unknown(tuple(path), was_read=path[-1] in guests)
        if guest.survivor is None:
            return _joined(tuple(path), guest)
        if guest.survivor in path:
            break
        path.append(guest.survivor)
    return Unknown(tuple(path), was_read=True)


def _joined(path: tuple[str, ...], guest: Guest) -> Joined:
    if guest.forgotten_at is not None:
        return Joined(path, guest.version, forgotten=True)
    phones = guest.profile.get("phones") or [None]
    return Joined(
        path,
        guest.version,
        diner_name=guest.diner_name,
        phone=phones[0],
        email=guest.profile.get("email"),
        marketing_opted_out=guest.profile.get("marketingOptedOut"),
        email_optin=guest.profile.get("emailOptin"),
    )


def stored_join(joined: Joined) -> dict[str, Any]:
    """Return a join as a map of the reservation's ``sync``."""
    if joined.forgotten:
        return {"path": list(joined.path), "forgotten": True}
    return {
        "path": list(joined.path),
        "version": stored_version(joined.version),
        "dinerName": joined.diner_name,
        "phone": joined.phone,
        "email": joined.email,
        "marketingOptedOut": joined.marketing_opted_out,
        "emailOptin": joined.email_optin,
    }


def join_from(stored: Mapping[str, Any]) -> Joined:
    """Read a join back."""
    path = tuple(stored["path"])
    if stored.get("forgotten"):
        return Joined(path, UNVERSIONED, forgotten=True)
    return Joined(
        path,
        version_from(stored["version"]),
        diner_name=stored["dinerName"],
        phone=stored["phone"],
        email=stored["email"],
        marketing_opted_out=stored["marketingOptedOut"],
        email_optin=stored["emailOptin"],
    )
