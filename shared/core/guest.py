"""OpenTable's guests: who a reservation's ``guestId`` leads to, and what is kept of them.

A guest's record is joined as a reservation's is: the later statement wins, whatever order they
come in. Two kinds are final: a merged guest only points to its survivor, and of a forgotten one
only the key and the time are kept, for ever, so that nothing can bring the person back.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import field

from shared.core import fields
from shared.core.change import Value, Version
from shared.core.keys import guest_key, prefixed
from shared.core.phones import e164, number_of
from shared.core.snapshot import row_id
from shared.core.structs import Unshown
from shared.core.versions import stored_version, version_from
from shared.errors import RejectedStatementError

LARGEST_PROFILE_BYTES = 100_000  # a tenth of what Firestore takes, so that its indexes fit too
UNVERSIONED = Version.of_object(0, datetime(1970, 1, 1, tzinfo=UTC))
_UTC = ZoneInfo("UTC")

_TEXTS = {
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "company_name": "companyName",
    "notes": "notes",
    "notes_special_relationship": "notesSpecialRelationship",
    "notes_food_and_drink": "notesFoodAndDrink",
    "notes_seating": "notesSeating",
}
_FLAGS = {
    "marketing_opted_out": "marketingOptedOut",
    "email_optin": "emailOptin",
    "mail_opted_in": "mailOptedIn",
    "is_hidden": "isHidden",
}


class Guest(Unshown, frozen=True):
    """A guest's record.

    Attributes:
        key: The guest's key (see `shared.core.keys.external_key`).
        version: Its version; a merged record comes without one.
        profile: What is kept of the person, by the document's field names.
        archived: Whether it was merged into another one.
        survivor: That one's key; the Copper tier does not tell it.
        survivor_id: The same guest's id, by which OpenTable is asked for it.
        forgotten_at: When it was learnt that the person must be forgotten, UTC.
    """

    key: str
    version: Version = UNVERSIONED
    profile: Mapping[str, Any] = field(default_factory=dict)
    archived: bool = False
    survivor: str | None = None
    survivor_id: str | None = None
    forgotten_at: datetime | None = None

    @property
    def is_plain(self) -> bool:
        """Whether this is a person's record, neither merged nor to be forgotten."""
        return not self.archived and self.forgotten_at is None

    @property
    def diner_name(self) -> str | None:
        """First and last name, None where neither is known (all of the Copper tier)."""
        names = (self.profile.get("firstName"), self.profile.get("lastName"))
        return " ".join(name for name in names if name) or None

    @property
    def known_as(self) -> list[str]:
        """Return the name, the numbers and the address by which free text may tell of it."""
        names = (self.diner_name, self.profile.get("email"), *self.profile.get("phones", ()))
        return [name for name in names if name]

    def outranks(self, held: "Guest") -> bool:
        """Whether this record replaces the held one: forgotten, then merged, then the later."""
        if held.forgotten_at is not None or self.forgotten_at is not None:
            return held.forgotten_at is None
        return _rank(self) > _rank(held)


def _rank(guest: Guest) -> tuple[bool, Version, str]:
    return (guest.archived, guest.version, guest.survivor or "")


def guest_from_row(
    row: Mapping[str, Any], *, rid: str, country: str | None, now: datetime
) -> Guest:
    """Read a row of OpenTable's guests.

    A merged record has null everywhere but in ``id``, ``href`` and ``primary_guest``.

    Args:
        row: The parsed JSON object.
        rid: The restaurant's OpenTable number.
        country: The restaurant's country, for phone numbers without a code.
        now: The time of receipt, UTC: a forgotten guest's tombstone bears it.

    Raises:
        RejectedStatementError: When it cannot be read; the reason names the field.
    """
    key = _key(row_id(dict(row)), rid)
    if row.get("rid") is not None and fields.identifier(row["rid"]) != rid:
        raise RejectedStatementError("wrong_rid", "The row's rid is another restaurant's.")
    if row.get("forgotten") is True:
        return Guest(key, forgotten_at=now)
    if row.get("archived") is True:
        return _merged(key, row, rid)
    return Guest(key, _version(row, required=True), _profile(row, country))


def _merged(key: str, row: Mapping[str, Any], rid: str) -> Guest:
    """Read a merged guest, whose survivor the pages write as URL, as id or as bare key."""
    version, primary = _version(row, required=False), row.get("primary_guest")
    if primary is None:
        return Guest(key, version, archived=True)
    written = (fields.text("primary_guest", primary) or "").rstrip("/").rpartition("/")[2]
    survivor, survivor_id = _key(written, rid), prefixed(written, rid)
    return Guest(key, version, archived=True, survivor=survivor, survivor_id=survivor_id)


def _key(guest_id: str, rid: str) -> str:
    key = guest_key(guest_id, rid)
    if key is None:
        raise RejectedStatementError("invalid_id", "A guest's id here cannot be a document's.")
    return key


def _version(row: Mapping[str, Any], *, required: bool) -> Version:
    if not required and row.get("sequence_id") is None:
        return UNVERSIONED
    sequence_id = fields.integer("sequence_id", row.get("sequence_id"), 0)
    updated_at = fields.instant_or_none(dict(row), "updated_at", _UTC)
    return Version.of_object(sequence_id, updated_at or UNVERSIONED.at)


def _profile(row: Mapping[str, Any], country: str | None) -> dict[str, Value]:
    profile: dict[str, Value] = {
        kept: fields.text(name, row[name])
        for name, kept in _TEXTS.items()
        if row.get(name) is not None
    }
    profile |= {kept: row[name] is True for name, kept in _FLAGS.items() if name in row}
    profile["tags"] = fields.texts("tags", row.get("tags"))
    profile["phones"] = _phones(row, country)
    if len(json.dumps(profile)) > LARGEST_PROFILE_BYTES:
        raise RejectedStatementError("too_large", "The guest's details are too large to be kept.")
    return profile


def _phones(row: Mapping[str, Any], country: str | None) -> list[str]:
    """Return the guest's numbers, the primary one first, each once."""
    listed = row.get("phone_numbers")
    listed = listed if isinstance(listed, list) else []
    entries = [entry for entry in listed if isinstance(entry, dict)]
    entries.sort(key=lambda entry: entry.get("primary") is not True)
    numbers = [number_of(entry, country) for entry in entries]
    if not any(numbers) and row.get("phone"):
        national = fields.text("phone", row["phone"])
        numbers = [national and e164(national, country)]
    return list(dict.fromkeys(text for n in numbers if n and (text := fields.text("phone", n))))


def stored_guest(guest: Guest) -> dict[str, Any]:
    """Return a guest's document; of a forgotten one the key and the time alone."""
    if guest.forgotten_at is not None:
        return {"guestKey": guest.key, "forgottenAt": guest.forgotten_at}
    document = {"guestKey": guest.key, "version": stored_version(guest.version)}
    if guest.archived:
        return document | {"survivor": guest.survivor, "survivorId": guest.survivor_id}
    return {**document, **guest.profile}


def guest_from(document: Mapping[str, Any]) -> Guest:
    """Read a guest's document back."""
    key = document["guestKey"]
    if "forgottenAt" in document:
        return Guest(key, forgotten_at=document["forgottenAt"])
    version = version_from(document["version"])
    if "survivor" in document:
        survivor, survivor_id = document["survivor"], document["survivorId"]
        return Guest(key, version, archived=True, survivor=survivor, survivor_id=survivor_id)
    profile = {n: value for n, value in document.items() if n not in {"guestKey", "version"}}
    return Guest(key, version, profile)
