"""The guest that a reservation shows: found by its id and through merges, never by time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.core.change import Version
from shared.core.guest import UNVERSIONED, Guest
from shared.core.versions import stored_version, version_from

MOST_MERGES = 16


@dataclass(frozen=True, slots=True)
class Joined:
    """The guest as joined to a reservation.

    Attributes:
        named: The key that the reservation's ``guestId`` names.
        key: The key that it leads to, through merges.
        version: The version of that guest's record.
        forgotten: Whether the person must be forgotten.
        diner_name: The guest's name, None where it is not known.
        phone: The guest's first number.
        email: The guest's e-mail address.
    """

    named: str
    key: str
    version: Version
    forgotten: bool = False
    diner_name: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing is held of the guest that a key leads to.

    Attributes:
        key: That guest's key.
        was_read: Whether it was looked for.
    """

    key: str
    was_read: bool


def join(named: str, guests: Mapping[str, Guest | None]) -> Joined | Unknown:
    """Follow a key to the guest that it leads to.

    Merges may form chains; one that never ends leads to nobody.

    Args:
        named: The key that a reservation names.
        guests: Records by key, None where none is held; keys that were not read are not in it.
    """
    key = named
    for _ in range(MOST_MERGES):
        guest = guests.get(key)
        if guest is None:
            return Unknown(key, was_read=key in guests)
        if guest.survivor is None:
            return _joined(named, guest)
        key = guest.survivor
    return Unknown(named, was_read=True)


def _joined(named: str, guest: Guest) -> Joined:
    if guest.forgotten_at is not None:
        return Joined(named, guest.key, guest.version, forgotten=True)
    phones = guest.profile.get("phones") or [None]
    return Joined(
        named,
        guest.key,
        guest.version,
        diner_name=guest.diner_name,
        phone=phones[0],
        email=guest.profile.get("email"),
    )


def stored_join(joined: Joined) -> dict[str, Any]:
    """Return a join as a map of the reservation's ``sync``."""
    if joined.forgotten:
        return {"named": joined.named, "key": joined.key, "forgotten": True}
    return {
        "named": joined.named,
        "key": joined.key,
        "version": stored_version(joined.version),
        "dinerName": joined.diner_name,
        "phone": joined.phone,
        "email": joined.email,
    }


def join_from(stored: Mapping[str, Any]) -> Joined:
    """Read a join back."""
    if stored.get("forgotten"):
        return Joined(stored["named"], stored["key"], UNVERSIONED, forgotten=True)
    return Joined(
        stored["named"],
        stored["key"],
        version_from(stored["version"]),
        diner_name=stored["dinerName"],
        phone=stored["phone"],
        email=stored["email"],
    )
