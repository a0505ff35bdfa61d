"""Normalize OpenTable's guest records, and phone numbers to E.164."""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from shared.domain.ledger.events import FieldValue, Version
from shared.domain.ledger.guest_link import UNVERSIONED, Guest
from shared.domain.normalization import field_values
from shared.domain.normalization.canonical import DEFAULT_MAX_TEXT_BYTES, cut_texts
from shared.domain.normalization.identifiers import add_rid_prefix, build_guest_key
from shared.domain.normalization.opentable_reservation import read_row_id
from shared.errors import InvalidEventError

MAX_PROFILE_BYTES = 100_000  # a tenth of Firestore's limit, so that the indexes fit too
_UTC = ZoneInfo("UTC")

_CODE_PUNCTUATION = re.compile(r"[\s()+.-]+")
# Dialed before a country code in most countries; no national number begins with it.
_INTERNATIONAL_PREFIX = re.compile(r"^[\s(]*00(?=[\s().-]*[1-9])")
# Words before the digits are a label such as "Mobile:".
_UNTIL_FIRST_WORD = re.compile(r"^\D*[\d\W_]*")
# In North America, an area code belongs to one country or island: 1-787 is Puerto Rico.
_AREA_AS_COUNTRY = re.compile(r"1[2-9][0-9]{2}", re.ASCII)

# Reserved in ISO 3166 for the United Kingdom, and used more often than its code.
_COUNTRY_ALIASES = {"UK": "GB"}
# As the parser's countries of a code: unknown, and several.
_UNKNOWN_COUNTRY = "ZZ"
_NO_COUNTRIES = {_UNKNOWN_COUNTRY, "001"}
_TRUE_WORDS = {"true", "1", "1.0"}

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


def parse_opentable_guest(
    row: Mapping[str, Any],
    *,
    rid: str,
    country: str | None,
    now: datetime,
    max_text_bytes: int = DEFAULT_MAX_TEXT_BYTES,
) -> Guest:
    """Normalize a guest record of OpenTable's.

    Args:
        country: The restaurant's ISO country, for phone numbers without a country code.
        now: Time of receipt, UTC; a forgotten guest's tombstone has it.
        max_text_bytes: The limit of each text; the rest is cut.

    Raises:
        InvalidEventError: A value cannot be used; the reason names the field.
    """
    key = _parse_guest_key(read_row_id(row), rid)
    if row.get("rid") is not None and field_values.parse_identifier(row["rid"]) != rid:
        raise InvalidEventError("wrong_rid", "The row's rid belongs to another restaurant.")
    if field_values.parse_boolean("forgotten", row.get("forgotten")):
        return Guest(key, forgotten_at=now)
    if not field_values.parse_boolean("archived", row.get("archived")):
        profile = cut_texts(_parse_profile(row, country), max_text_bytes)
        # Only with a higher limit than the default.
        if len(json.dumps(profile, ensure_ascii=False).encode()) > MAX_PROFILE_BYTES:
            raise InvalidEventError("too_large", "The guest's record is too large to store.")
        return Guest(key, _parse_guest_version(row), profile)
    # A merged record is null except for id, href and primary_guest.
    version = UNVERSIONED if row.get("sequence_id") is None else _parse_guest_version(row)
    survivor = row.get("primary_guest")
    if field_values.is_absent(survivor):
        return Guest(key, version, is_merged=True)
    # OpenTable's pages show the survivor as a URL, as an id and as a bare key.
    survivor_id = field_values.parse_text("primary_guest", survivor) or ""
    survivor_id = survivor_id.partition("?")[0].rstrip("/").rpartition("/")[2]
    return Guest(
        key,
        version,
        is_merged=True,
        survivor_key=_parse_guest_key(survivor_id, rid),
        survivor_id=add_rid_prefix(survivor_id, rid),
    )


def _parse_guest_key(guest_id: str, rid: str) -> str:
    key = build_guest_key(guest_id, rid)
    if key is None:
        raise InvalidEventError("invalid_id", "The guest's id cannot be a document id.")
    return key


def _parse_guest_version(row: Mapping[str, Any]) -> Version:
    sequence_id = field_values.parse_integer("sequence_id", row.get("sequence_id"), 0)
    updated_at = field_values.parse_row_instant(row, "updated_at", _UTC)
    return Version.from_sequence(sequence_id, updated_at or UNVERSIONED.occurred_at)


def _parse_profile(row: Mapping[str, Any], country: str | None) -> dict[str, FieldValue]:
    profile: dict[str, FieldValue] = {
        stored_name: field_values.parse_text(name, row[name])
        for name, stored_name in _TEXT_FIELDS.items()
        if row.get(name) is not None
    }
    profile |= {
        stored_name: value
        for name, stored_name in _BOOLEAN_FIELDS.items()
        if (value := field_values.parse_boolean(name, row.get(name))) is not None
    }
    profile["tags"] = field_values.parse_text_set("tags", row.get("tags"))
    profile["phones"] = _parse_phones(row, country)
    return profile


def _parse_phones(row: Mapping[str, Any], country: str | None) -> list[str]:
    """Return the guest's distinct numbers, the primary one first."""
    listed = row.get("phone_numbers")
    listed = listed if isinstance(listed, list) else []
    entries = [entry for entry in listed if isinstance(entry, dict)]
    # An unusable `primary` only counts as false: it must not lose the guest.
    entries.sort(key=lambda entry: str(entry.get("primary")).strip().casefold() not in _TRUE_WORDS)
    numbers = [parse_phone_entry(entry, country) for entry in entries]
    if not any(numbers) and row.get("phone"):
        text = field_values.parse_text("phone", field_values.format_number(row["phone"]))
        entry = {"number": text, "country_code": row.get("country_code")}
        numbers = [parse_phone_entry(entry, country)]
    texts = [field_values.parse_text("phone", number) for number in numbers if number]
    return list(dict.fromkeys(text for text in texts if text))


def parse_phone_entry(entry: Mapping[str, Any], country: str | None) -> str | None:
    """Return an entry of OpenTable's ``phone_numbers`` in E.164, None without a number.

    A number stays as it is if its country is in doubt: with another country it would be another
    person's number. Number and ``country_code`` are documented as text, but may be numbers, and the
    code may be ``44``, ``+44``, ``0044`` or ``GB``.

    Args:
        country: The restaurant's ISO country, for an entry without a code.
    """
    # Imported on first use: a webhook rarely parses a number, and every cold start would pay.
    import phonenumbers

    number = field_values.format_number(entry.get("number"))
    if not isinstance(number, str) or not number.strip():
        return None
    number = number.strip()
    given_code = entry.get("country_code")
    if field_values.is_absent(given_code):
        return format_e164(number, country)
    code = field_values.format_number(field_values.canonicalize_number(given_code))
    code = unicodedata.normalize("NFKC", code) if isinstance(code, str) else ""
    is_negative = code.strip().startswith("-")  # stands for no code
    code = _CODE_PUNCTUATION.sub("", code).upper()
    if not code.isdecimal():
        return format_e164(number, _COUNTRY_ALIASES.get(code, code))
    code = code.lstrip("0")
    # Codes have up to three digits. Python rejects an integer with thousands of them.
    country = phonenumbers.region_code_for_country_code(int(code[:4] or 0))
    is_unassigned = country == _UNKNOWN_COUNTRY and not _AREA_AS_COUNTRY.fullmatch(code)
    if is_negative or is_unassigned:
        # The digits would be another code and a part of the number.
        return format_e164(number, None)
    # The country parses a trunk zero and a number with the code. Some codes have no one country.
    e164 = _parse_e164(number, country)
    if e164 is None and country in _NO_COUNTRIES:
        e164 = _parse_e164(f"+{code}{number}", None)
    return e164 or number


def format_e164(number: str, country: str | None) -> str:
    """Return a number in E.164, unchanged if it is not a possible number. Extensions are dropped.

    Args:
        country: ISO country for a number without a country code; None accepts no such number.
    """
    return _parse_e164(number, country) or number


def _parse_e164(number: str, country: str | None) -> str | None:
    e164 = _parse_possible_number(number, country)
    # The parser reads the letters of a word as digits: "555 1234 Mom" as 555 1234 666. Only an
    # extension leaves the number as it is without the word.
    before_word = "".join(_UNTIL_FIRST_WORD.findall(number)[:1])
    return e164 if e164 == _parse_possible_number(before_word, country) else None


def _parse_possible_number(number: str, country: str | None) -> str | None:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(
            _INTERNATIONAL_PREFIX.sub("+", number), country and country.upper()
        )
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    # A zero that the country's numbers do not begin with: the trunk zero of another country.
    if parsed.italian_leading_zero and not phonenumbers.is_valid_number(parsed):
        return None
    digits = phonenumbers.normalize_digits_only(number)
    is_national = phonenumbers.national_significant_number(parsed) == digits
    if is_national and digits.startswith(str(parsed.country_code)):
        # In Germany, 49151... may begin with an area code or with the country code.
        with_code = phonenumbers.parse(f"+{digits}")
        if phonenumbers.is_valid_number(with_code):
            return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
