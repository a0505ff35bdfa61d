"""Erase, find and mask personal data, and decide on expiry.

Fails closed: an unknown field counts as personal, whatever its name.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from shared.domain.http_messages import InvalidJsonError, parse_strict_json
from shared.domain.ledger.events import FieldValue
from shared.domain.ledger.fields import RESERVATION_FIELDS, FieldKind, PersonalData
from shared.domain.normalization import field_values
from shared.domain.normalization.field_values import parse_status
from shared.domain.normalization.identifiers import build_external_key
from shared.errors import InvalidEventError

_CONTACT_FIELDS = [
    field for field in RESERVATION_FIELDS if field.personal_data is PersonalData.DINER_CONTACT
]
_DINER_FIELDS = [
    *_CONTACT_FIELDS,
    *(field for field in RESERVATION_FIELDS if field.personal_data is PersonalData.DINER),
]
_IMPERSONAL_FIELDS = [
    field for field in RESERVATION_FIELDS if field.personal_data is PersonalData.NONE
]

PERSONAL_FIELDS = frozenset(field.name for field in _DINER_FIELDS)
PERSONAL_PATHS = frozenset(field.path for field in _DINER_FIELDS)
GUEST_PATHS = frozenset(field.path for field in _CONTACT_FIELDS)

# The keys of a body that stay when its diner is erased; free text never does.
_IMPERSONAL_KEYS = frozenset(
    {"eventType", "event_type", "timestamp", "data", "reservationId", "restaurantId"}
    | {"rid", "sequence_id", "updated_at", "updated_at_utc", "guestKey", "reportId"}
    | {
        name
        for field in _IMPERSONAL_FIELDS
        if field.kind is not FieldKind.TEXT
        for name in (*field.opentable_names, *field.relay_names[:1])
    }
)

# A word without a digit may be a name. A time may have a space for its T.
_SAFE_TEXT = re.compile(
    r"(?=.*\d)[A-Za-z0-9_.:+-]{1,80}|\d{4}-\d\d-\d\d [0-9:.,+Zz-]{1,40}|reservation\.[a-z]{1,20}|",
    re.ASCII,
)

# Keys shown to staff without unmasking, in lower case without underscores. A relay's free text is
# always masked.
_UNMASKED_KEYS = {
    *("eventtype", "id", "reservationid", "restaurantid", "rid", "sequenceid"),
    *("timestamp", "updatedatutc"),
    *(
        name.replace("_", "").lower()
        for field in _IMPERSONAL_FIELDS
        for name in (
            *field.opentable_names,
            *(() if field.kind is FieldKind.TEXT else field.relay_names),
        )
    ),
}
# The paths of a document with the same values, and those derived from them.
_UNMASKED_PATHS = frozenset(
    {"id", "restaurantId", "localDate", "source.system", "source.externalReservationId"}
    | {
        field.path
        for field in _IMPERSONAL_FIELDS
        if field.kind is not FieldKind.TEXT or field.opentable_name
    }
)
_UNMASKED_TEXT = re.compile(r"[A-Za-z0-9_.:+ -]{0,80}")
MASK = "•••"

_ID_KEYS = ("id", "reservationId", "reservation_id", "guest_id")
_MIN_PHONE_DIGITS = 7


def redact_journal_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a journal entry to overwrite for an erasure; empty if there are none.

    A malformed field may contain anything, so it is emptied.
    """
    fields, changes, payload = (entry.get(name) for name in ("fields", "changes", "payload"))
    redacted = {
        "fields": {name: redact_value(name, value) for name, value in fields.items()}
        if isinstance(fields, Mapping)
        else {},
        "changes": {path: change for path, change in changes.items() if path not in PERSONAL_PATHS}
        if isinstance(changes, Mapping)
        else {},
        "payload": redact_json(payload) if isinstance(payload, str) else "{}",
    }
    return {name: value for name, value in redacted.items() if entry.get(name) != value}


def redact_value(name: str, value: FieldValue) -> FieldValue:
    """Return the value of a field, or an empty one of the same type if the field is personal."""
    if name not in PERSONAL_FIELDS:
        return value
    return [] if isinstance(value, list) else None


def redact_json(body: str) -> str:
    """Return a JSON body with only its impersonal keys whose values look like codes or times."""
    try:
        return json.dumps(_keep_impersonal(json.loads(body)), sort_keys=True)
    except (ValueError, RecursionError):
        return "{}"


def _keep_impersonal(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        return {}
    kept: dict[str, Any] = {}
    for name in body.keys() & _IMPERSONAL_KEYS:
        value = body[name]
        if isinstance(value, dict):
            kept[name] = _keep_impersonal(value)
        elif _is_safe_value(value):
            kept[name] = value
    return kept


def _is_safe_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) and _is_safe_value(item) for item in value)
    if isinstance(value, str):
        return _SAFE_TEXT.fullmatch(value.strip()) is not None or parse_status(value) is not None
    return value is None or isinstance(value, int | float)


def collect_referenced_keys(body: str, rid: str | None) -> set[str]:
    """Return the keys of the ids in a JSON body, at its top level or in ``data``.

    Args:
        rid: OpenTable's number of the restaurant; an id may begin with it.
    """
    parsed = _parse_json(body)
    if not isinstance(parsed, dict):
        return set()
    parts = [part for part in (parsed, parsed.get("data")) if isinstance(part, dict)]
    identifiers = (
        field_values.parse_identifier(part.get(name)) for part in parts for name in _ID_KEYS
    )
    keys = set()
    for identifier in filter(None, identifiers):
        # Not every id can be a document's key.
        with suppress(InvalidEventError):
            keys.add(build_external_key(identifier, rid))
    return keys


def mentions_person(body: str, personal_identifiers: Iterable[str]) -> bool:
    """Return whether a body contains one of a person's names, numbers or addresses.

    Case, spacing, phone punctuation and the country code do not matter.

    Args:
        body: The body as received; field names are searched, too.
        personal_identifiers: Names and addresses, and phone numbers in E.164 or as received.
    """
    texts = list(_iter_texts(_parse_json(body)))
    folded_text = "\n".join(texts).casefold()
    # A separator of its own: digits of two values do not form one number.
    digits = field_values.remove_phone_punctuation("|".join(texts))
    for identifier in personal_identifiers:
        number = _parse_national_number(identifier)
        if number is not None and number in digits:
            return True
        # First and last name may be two adjacent values, so any whitespace separates words.
        words = r"\s+".join(map(re.escape, identifier.casefold().split()))
        if words and re.search(rf"(?<!\w){words}(?!\w)", folded_text):
            return True
    return False


def _parse_national_number(identifier: str) -> str | None:
    """Return the digits of a phone number without its country code: bodies may omit that."""
    import phonenumbers

    try:
        return str(phonenumbers.parse(identifier).national_number)
    except phonenumbers.NumberParseException:
        digits = field_values.remove_phone_punctuation(identifier)
        return digits if digits.isdecimal() and len(digits) >= _MIN_PHONE_DIGITS else None


def _parse_json(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _iter_texts(value: object) -> Iterator[str]:
    """Yield every value in document order, so that a last name follows its first name.

    Field names come last. Iterative, because a body may be nested deeper than the call stack.
    """
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending = [*value, *pending, *reversed(value.values())]
        elif isinstance(value, list):
            pending += reversed(value)
        elif value is not None:
            yield str(value)


def mask_json(body: str) -> str:
    """Return a JSON body with its personal values masked; mask any other body completely."""
    try:
        parsed = parse_strict_json(body.encode("utf-8", "surrogatepass"))
    except InvalidJsonError:
        return MASK
    return json.dumps(_mask_value(parsed, is_unmasked=False), ensure_ascii=False)


def mask_changes(changes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the changes of a journal entry with their personal values masked as in a body."""
    masked = {}
    for path, change in changes.items():
        is_unmasked = path in _UNMASKED_PATHS or path.startswith("reconciliation.")
        masked[path] = {
            side: _mask_value(value, is_unmasked=is_unmasked) for side, value in change.items()
        }
    return masked


def _mask_value(value: object, *, is_unmasked: bool) -> object:
    if isinstance(value, dict):
        return {
            key: _mask_value(inner, is_unmasked=key.replace("_", "").lower() in _UNMASKED_KEYS)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_mask_value(inner, is_unmasked=is_unmasked) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    # Check the value, too: an id may contain an email address.
    return value if is_unmasked and _UNMASKED_TEXT.fullmatch(str(value)) else MASK


def is_expired(document: Mapping[str, Any], field: str, now: datetime) -> bool:
    """Return whether the expiry time in a document's field has passed.

    Firestore may take days to delete an expired document, so readers must check.
    """
    expires_at = document.get(field)
    return isinstance(expires_at, datetime) and expires_at <= now
