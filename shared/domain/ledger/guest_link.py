"""Link a reservation to its guest: by the guest's id and through merges, never by time.

A newer guest record replaces an older one, in any order of arrival. Two kinds are final: a merged
guest only points to its survivor, and of a forgotten one only the key and the time stay, forever,
so no later event can restore the person.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.ledger.events import Version, version_from_map, version_to_map
from shared.domain.normalization.identifiers import is_document_id
from shared.domain.validation import RedactedStruct
from shared.errors import UnreadableDocumentError

MAX_MERGES = 16
UNVERSIONED = Version.from_sequence(0, datetime(1970, 1, 1, tzinfo=UTC))


class Guest(RedactedStruct, frozen=True):
    """A guest's record at OpenTable.

    Attributes:
        key: See `shared.domain.normalization.identifiers.build_guest_key`.
        version: `UNVERSIONED` for records without one, such as merged records.
        profile: Personal data, by the document's field names.
        survivor_key: The target of the merge; the Copper tier omits it.
        survivor_id: The same guest's id in OpenTable's API.
        forgotten_at: Time of the request to forget the person, UTC.
    """

    key: str
    version: Version = UNVERSIONED
    profile: Mapping[str, Any] = field(default_factory=dict)
    is_merged: bool = False
    survivor_key: str | None = None
    survivor_id: str | None = None
    forgotten_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether the record is neither merged nor forgotten."""
        return not self.is_merged and self.forgotten_at is None

    @property
    def diner_name(self) -> str | None:
        """First and last name, None if both are unknown (always in the Copper tier)."""
        names = (self.profile.get("firstName"), self.profile.get("lastName"))
        return " ".join(name for name in names if name) or None

    @property
    def personal_identifiers(self) -> list[str]:
        """The name, e-mail address and numbers, to find the person in free text."""
        names = (self.diner_name, self.profile.get("email"), *self.profile.get("phones", ()))
        return [name for name in names if name]

    def supersedes(self, other: "Guest") -> bool:
        """Whether this record replaces the stored one: forgotten first, then merged, then newer."""
        if other.forgotten_at is not None or self.forgotten_at is not None:
            return other.forgotten_at is None
        mine = (self.is_merged, self.version, self.survivor_key or "")
        return mine > (other.is_merged, other.version, other.survivor_key or "")


def guest_to_map(guest: Guest) -> dict[str, Any]:
    """Return a guest's document; of a forgotten guest only the key and the time."""
    if guest.forgotten_at is not None:
        return {"guestKey": guest.key, "forgottenAt": guest.forgotten_at}
    document = {"guestKey": guest.key, "version": version_to_map(guest.version)}
    if guest.is_merged:
        return document | {"survivor": guest.survivor_key, "survivorId": guest.survivor_id}
    return {**document, **guest.profile}


def guest_from_map(document: Mapping[str, Any]) -> Guest:
    """Read a guest's document.

    Raises:
        UnreadableDocumentError: The document is damaged.
    """
    key = document.get("guestKey")
    if not isinstance(key, str):
        raise UnreadableDocumentError("guestKey is malformed")
    if "forgottenAt" in document:
        stored = document["forgottenAt"]
        # A damaged time is no reason to show a forgotten person again.
        forgotten_at = stored if isinstance(stored, datetime) else UNVERSIONED.occurred_at
        return Guest(key, forgotten_at=forgotten_at)
    try:
        version = version_from_map(document["version"])
    except (KeyError, TypeError, AttributeError):
        raise UnreadableDocumentError("version is malformed") from None
    if "survivor" in document:
        survivor_key, survivor_id = document["survivor"], document.get("survivorId")
        if not _are_guest_keys(*(key for key in (survivor_key, survivor_id) if key is not None)):
            raise UnreadableDocumentError("survivor is malformed")
        return Guest(
            key, version, is_merged=True, survivor_key=survivor_key, survivor_id=survivor_id
        )
    profile = {n: value for n, value in document.items() if n not in {"guestKey", "version"}}
    texts = [profile.get(name) for name in ("firstName", "lastName", "email")]
    phones = profile.get("phones") or []
    if not isinstance(phones, list) or None in phones or not _are_optional_texts(*texts, *phones):
        raise UnreadableDocumentError("the guest's name, email or phones are malformed")
    return Guest(key, version, profile)


def _are_optional_texts(*values: object) -> bool:
    return all(value is None or isinstance(value, str) for value in values)


def _are_guest_keys(*values: object) -> bool:
    return all(isinstance(value, str) and is_document_id(value) for value in values)


# Guest records by key, None if none is stored. A missing key was not read.
StoredGuests = Mapping[str, Guest | None]

# The details of a linked guest, with their names in the document.
_LINKED_DETAILS = {
    "diner_name": "dinerName",
    "phone": "phone",
    "email": "email",
    "marketing_opted_out": "marketingOptedOut",
    "email_optin": "emailOptin",
}


class LinkedGuest(Struct, frozen=True):
    """The guest shown in a reservation.

    Attributes:
        path: Guest keys from the referenced one, through merges, to this guest.
        phone: The guest's first number.
        marketing_opted_out: None if OpenTable does not send it, as for `email_optin`.
    """

    path: tuple[str, ...]
    version: Version
    is_forgotten: bool = False
    diner_name: str | None = None
    phone: str | None = None
    email: str | None = None
    marketing_opted_out: bool | None = None
    email_optin: bool | None = None

    @classmethod
    def from_record(cls, path: tuple[str, ...], guest: Guest) -> "LinkedGuest":
        """Select the part of a guest's record shown in reservations."""
        if guest.forgotten_at is not None:
            return cls(path, guest.version, is_forgotten=True)
        phones = guest.profile.get("phones") or [None]
        return cls(
            path,
            guest.version,
            diner_name=guest.diner_name,
            phone=phones[0],
            email=guest.profile.get("email"),
            marketing_opted_out=guest.profile.get("marketingOptedOut"),
            email_optin=guest.profile.get("emailOptin"),
        )

    @property
    def details(self) -> tuple[str | None, ...]:
        """The guest's values in the reservation."""
        return self.diner_name, self.phone, self.email

    @property
    def referenced_key(self) -> str:
        """The key in the reservation's ``guestId``."""
        return self.path[0]

    @property
    def key(self) -> str:
        """This guest's own key."""
        return self.path[-1]


class UnresolvedGuest(Struct, frozen=True):
    """A reference to a guest without a stored record.

    Attributes:
        path: Guest keys from the referenced one to the missing one.
        was_read: Whether the record was read and does not exist, or was not read yet.
    """

    path: tuple[str, ...]
    was_read: bool

    @property
    def key(self) -> str:
        """The missing guest's key."""
        return self.path[-1]


def resolve_guest(referenced_key: str, guests: StoredGuests) -> LinkedGuest | UnresolvedGuest:
    """Follow a reference through merges to the guest's record.

    A circular chain, or one longer than `MAX_MERGES`, is unresolved.
    """
    path = [referenced_key]
    while len(path) <= MAX_MERGES:
        guest = guests.get(path[-1])
        if guest is None:
            return UnresolvedGuest(tuple(path), was_read=path[-1] in guests)
        if guest.survivor_key is None:
            return LinkedGuest.from_record(tuple(path), guest)
        if guest.survivor_key in path:
            break
        path.append(guest.survivor_key)
    return UnresolvedGuest(tuple(path), was_read=True)


def linked_guest_to_map(linked_guest: LinkedGuest) -> dict[str, Any]:
    """Return a linked guest as stored in ``sync.guest``."""
    if linked_guest.is_forgotten:
        return {"path": list(linked_guest.path), "forgotten": True}
    return {
        "path": list(linked_guest.path),
        "version": version_to_map(linked_guest.version),
        **{stored: getattr(linked_guest, name) for name, stored in _LINKED_DETAILS.items()},
    }


def linked_guest_from_map(stored: Mapping[str, Any]) -> LinkedGuest:
    """Read a stored linked guest.

    Raises:
        KeyError: A value is missing.
        TypeError: A part is malformed.
    """
    path = stored["path"]
    if not isinstance(path, list) or not path or not _are_guest_keys(*path):
        raise TypeError("A path is a list of keys.")
    if stored.get("forgotten"):
        return LinkedGuest(tuple(path), UNVERSIONED, is_forgotten=True)
    details = {name: stored[stored_name] for name, stored_name in _LINKED_DETAILS.items()}
    linked_guest = LinkedGuest(tuple(path), version_from_map(stored["version"]), **details)
    if not _are_optional_texts(*linked_guest.details):
        raise TypeError("The details are texts.")
    return linked_guest


class GuestReferences(Struct, frozen=True):
    """Every guest ever referenced by a reservation; a later event may name another or none.

    Attributes:
        keys: The referenced guests.
        resolved_keys: The same, and the survivors of their merges.
        has_forgotten_guest: Whether any of these was forgotten. It never becomes false again, so no
            personal data is stored in any order of arrival.
        is_anonymized: Whether the retention of the reservation's personal data has ended; as final
            as `has_forgotten_guest`.
    """

    keys: frozenset[str] = frozenset()
    resolved_keys: frozenset[str] = frozenset()
    has_forgotten_guest: bool = False
    is_anonymized: bool = False

    @property
    def forbids_personal_data(self) -> bool:
        """Whether the reservation may no longer have personal data, whoever reports it."""
        return self.has_forgotten_guest or self.is_anonymized

    def with_key(self, key: object) -> "GuestReferences":
        """Return this with an event's ``guestKey``; None references no guest."""
        if not isinstance(key, str):
            return self
        return replace(self, keys=self.keys | {key}, resolved_keys=self.resolved_keys | {key})

    def merge(self, other: "GuestReferences") -> "GuestReferences":
        """Return the references of both."""
        return GuestReferences(
            self.keys | other.keys,
            self.resolved_keys | other.resolved_keys,
            self.has_forgotten_guest or other.has_forgotten_guest,
            self.is_anonymized or other.is_anonymized,
        )

    def with_resolved(
        self, guests: Iterable[LinkedGuest | UnresolvedGuest], *, is_complete: bool
    ) -> "GuestReferences":
        """Return this with resolved references.

        Args:
            is_complete: Whether `guests` covers every reference and so replaces earlier results.
        """
        guests = list(guests)
        resolved_keys = self.keys.union(*(guest.path for guest in guests))
        has_forgotten = any(
            isinstance(guest, LinkedGuest) and guest.is_forgotten for guest in guests
        )
        return replace(
            self,
            resolved_keys=resolved_keys if is_complete else self.resolved_keys | resolved_keys,
            has_forgotten_guest=self.has_forgotten_guest or has_forgotten,
        )


def guest_references_to_fields(references: GuestReferences) -> dict[str, Any]:
    """Return the document's ``guests`` fields, none without any reference."""
    anonymized = {"guests.anonymized": True} if references.is_anonymized else {}
    if not references.keys:
        return anonymized
    return anonymized | {
        "guests.referencedKeys": sorted(references.keys),
        "guests.resolvedGuestKeys": sorted(references.resolved_keys),
        "guests.forgotten": references.has_forgotten_guest,
    }


def guest_references_from_document(flat: Mapping[str, Any]) -> GuestReferences:
    """Read the references of a flattened document; raise TypeError if they are not keys."""
    keys, resolved_keys = (
        flat.get(f"guests.{name}", []) for name in ("referencedKeys", "resolvedGuestKeys")
    )
    are_lists = isinstance(keys, list) and isinstance(resolved_keys, list)
    if not are_lists or not _are_guest_keys(*keys, *resolved_keys):
        raise TypeError("References are a list of keys.")
    # A value of another type counts as forgotten: personal data must not return.
    return GuestReferences(
        frozenset(keys),
        frozenset(resolved_keys),
        flat.get("guests.forgotten", False) is not False,
        flat.get("guests.anonymized", False) is not False,
    )
