"""Phone numbers in E.164, where they can be read as such.

OpenTable's guests: who a reservation's ``guestId`` leads to, and what is kept of them.

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

from shared.domain.ledger.events import FieldValue, Version, version_from_map, version_to_map
from shared.domain.normalization import fields
from shared.domain.normalization.identifiers import add_rid_prefix, build_guest_key
from shared.domain.normalization.opentable_reservation import read_row_id
from shared.domain.webhook_auth.credentials import RedactedStruct
from shared.errors import InvalidEventError


def format_e164(number: str, country: str | None) -> str:
    """Return a number in E.164, or the text as it came where it is no possible number.

    Args:
        number: As written, with or without a country code.
        country: ISO country in which a number without a code is read; None reads none.
    """
    return _parse_e164(number, country) or number


def _parse_e164(number: str, country: str | None) -> str | None:
    # Imported on first use: a webhook seldom reads a number, and would pay for it at each start.
    import phonenumbers  # noqa: PLC0415

    try:
        parsed = phonenumbers.parse(number, country and country.upper())
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def parse_phone_entry(entry: Mapping[str, Any], country: str | None) -> str | None:
    """Return one entry of OpenTable's ``phone_numbers`` in E.164, None where it has no number.

    Its ``country_code`` is documented as text alone, so both ``1`` and ``US`` are understood.

    Args:
        entry: ``{"number", "country_code", …}``.
        country: The restaurant's country, for an entry without a code.
    """
    number, code = entry.get("number"), entry.get("country_code")
    if not isinstance(number, str) or not number.strip():
        return None
    number = number.strip()
    if not isinstance(code, str) or number.startswith("+"):
        return format_e164(number, country)
    code = code.strip().removeprefix("+")
    if code.isdecimal():
        # Some write the code again in the number: then it is read as it stands.
        return _parse_e164(f"+{code}{number}", None) or format_e164(number, country)
    return format_e164(number, code or country)


MAX_PROFILE_BYTES = 100_000  # a tenth of what Firestore takes, so that its indexes fit too
UNVERSIONED = Version.from_sequence(0, datetime(1970, 1, 1, tzinfo=UTC))
_UTC = ZoneInfo("UTC")

_TEXT_FIELDS = {
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "company_name": "companyName",
    "notes": "notes",
    "notes_special_relationship": "notesSpecialRelationship",
    "notes_food_and_drink": "notesFoodAndDrink",
    "notes_seating": "notesSeating",
}

_BOOLEAN_FIELDS = {
    "marketing_opted_out": "marketingOptedOut",
    "email_optin": "emailOptin",
    "mail_opted_in": "mailOptedIn",
    "is_hidden": "isHidden",
}


class Guest(RedactedStruct, frozen=True):
    """A guest's record.

    Attributes:
        key: The guest's key (see `shared.domain.normalization.identifiers.build_external_key`).
        version: Its version; a merged record comes without one.
        profile: What is kept of the person, by the document's field names.
        is_merged: Whether it was merged into another one.
        survivor_key: That one's key; the Copper tier does not tell it.
        survivor_id: The same guest's id, by which OpenTable is asked for it.
        forgotten_at: When it was learnt that the person must be forgotten, UTC.
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
        """Whether this is a person's record, neither merged nor to be forgotten."""
        return not self.is_merged and self.forgotten_at is None

    @property
    def diner_name(self) -> str | None:
        """First and last name, None where neither is known (all of the Copper tier)."""
        names = (self.profile.get("firstName"), self.profile.get("lastName"))
        return " ".join(name for name in names if name) or None

    @property
    def personal_identifiers(self) -> list[str]:
        """Return the name, the numbers and the address by which free text may tell of it."""
        names = (self.diner_name, self.profile.get("email"), *self.profile.get("phones", ()))
        return [name for name in names if name]

    def supersedes(self, other: "Guest") -> bool:
        """Whether this record replaces the held one: forgotten, then merged, then the later."""
        if other.forgotten_at is not None or self.forgotten_at is not None:
            return other.forgotten_at is None
        return _precedence(self) > _precedence(other)


def _precedence(guest: Guest) -> tuple[bool, Version, str]:
    return (guest.is_merged, guest.version, guest.survivor_key or "")


def parse_opentable_guest(
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
    key = _parse_guest_key(read_row_id(dict(row)), rid)
    if row.get("rid") is not None and fields.parse_identifier(row["rid"]) != rid:
        raise InvalidEventError("wrong_rid", "The row's rid is another restaurant's.")
    if row.get("forgotten") is True:
        return Guest(key, forgotten_at=now)
    if row.get("archived") is True:
        return _parse_merged_guest(key, row, rid)
    return Guest(key, _parse_guest_version(row, is_required=True), _parse_profile(row, country))


def _parse_merged_guest(key: str, row: Mapping[str, Any], rid: str) -> Guest:
    """Read a merged guest, whose survivor the pages write as URL, as id or as bare key."""
    version, primary = _parse_guest_version(row, is_required=False), row.get("primary_guest")
    if primary is None:
        return Guest(key, version, is_merged=True)
    raw_id = (fields.parse_text("primary_guest", primary) or "").rstrip("/").rpartition("/")[2]
    survivor_key, survivor_id = _parse_guest_key(raw_id, rid), add_rid_prefix(raw_id, rid)
    return Guest(key, version, is_merged=True, survivor_key=survivor_key, survivor_id=survivor_id)


def _parse_guest_key(guest_id: str, rid: str) -> str:
    key = build_guest_key(guest_id, rid)
    if key is None:
        raise InvalidEventError("invalid_id", "A guest's id here cannot be a document's.")
    return key


def _parse_guest_version(row: Mapping[str, Any], *, is_required: bool) -> Version:
    if not is_required and row.get("sequence_id") is None:
        return UNVERSIONED
    sequence_id = fields.parse_integer("sequence_id", row.get("sequence_id"), 0)
    updated_at = fields.parse_row_instant(dict(row), "updated_at", _UTC)
    return Version.from_sequence(sequence_id, updated_at or UNVERSIONED.occurred_at)


def _parse_profile(row: Mapping[str, Any], country: str | None) -> dict[str, FieldValue]:
    profile: dict[str, FieldValue] = {
        stored_name: fields.parse_text(name, row[name])
        for name, stored_name in _TEXT_FIELDS.items()
        if row.get(name) is not None
    }
    profile |= {
        stored_name: row[name] is True
        for name, stored_name in _BOOLEAN_FIELDS.items()
        if name in row
    }
    profile["tags"] = fields.parse_text_list("tags", row.get("tags"))
    profile["phones"] = _parse_phones(row, country)
    if len(json.dumps(profile)) > MAX_PROFILE_BYTES:
        raise InvalidEventError("too_large", "The guest's details are too large to be kept.")
    return profile


def _parse_phones(row: Mapping[str, Any], country: str | None) -> list[str]:
    """Return the guest's numbers, the primary one first, each once."""
    listed = row.get("phone_numbers")
    listed = listed if isinstance(listed, list) else []
    entries = [entry for entry in listed if isinstance(entry, dict)]
    entries.sort(key=lambda entry: entry.get("primary") is not True)
    numbers = [parse_phone_entry(entry, country) for entry in entries]
    if not any(numbers) and row.get("phone"):
        national = fields.parse_text("phone", row["phone"])
        numbers = [national and format_e164(national, country)]
    return list(
        dict.fromkeys(text for n in numbers if n and (text := fields.parse_text("phone", n)))
    )


def guest_to_map(guest: Guest) -> dict[str, Any]:
    """Return a guest's document; of a forgotten one the key and the time alone."""
    if guest.forgotten_at is not None:
        return {"guestKey": guest.key, "forgottenAt": guest.forgotten_at}
    document = {"guestKey": guest.key, "version": version_to_map(guest.version)}
    if guest.is_merged:
        return document | {"survivor": guest.survivor_key, "survivorId": guest.survivor_id}
    return {**document, **guest.profile}


def guest_from_map(document: Mapping[str, Any]) -> Guest:
    """Read a guest's document back."""
    key = document["guestKey"]
    if "forgottenAt" in document:
        return Guest(key, forgotten_at=document["forgottenAt"])
    version = version_from_map(document["version"])
    if "survivor" in document:
        survivor_key, survivor_id = document["survivor"], document["survivorId"]
        return Guest(
            key, version, is_merged=True, survivor_key=survivor_key, survivor_id=survivor_id
        )
    profile = {n: value for n, value in document.items() if n not in {"guestKey", "version"}}
    return Guest(key, version, profile)
