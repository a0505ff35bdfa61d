"""What must go when a diner is to be forgotten, and what stays: time, party and status.

A statement with everything personal hidden, its shape left to be read.

Fails closed: what is not known to be impersonal is hidden, whatever its name.

Whom a body kept aside tells of: by the ids that it holds, or by a name, number or address.

How long things are kept: what has expired counts as gone before Firestore removes it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.domain.ledger.events import FieldValue, ReservationEvent
from shared.domain.ledger.fields import RESERVATION_FIELDS, FieldKind, PersonalData
from shared.domain.ledger.registers import FieldRegisters, RegisterValue, ReservationState
from shared.domain.normalization import fields
from shared.domain.normalization.fields import parse_status
from shared.domain.normalization.identifiers import build_external_key
from shared.domain.normalization.strict_json import InvalidJsonError, parse_strict_json
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

# A word without a digit may be anyone's name.
_SAFE_TEXT = re.compile(r"(?=.*\d)[A-Za-z0-9_.:+-]{1,80}|reservation\.[a-z]{1,20}|", re.ASCII)


def redact_value(name: str, value: FieldValue) -> FieldValue:
    """Return a field's value without the person: none of it, in a form of the same kind."""
    if name not in PERSONAL_FIELDS:
        return value
    return [] if isinstance(value, list) else None


def redact_event(event: ReservationEvent) -> ReservationEvent:
    """Return a statement without the person."""
    values = {name: redact_value(name, value) for name, value in event.fields.items()}
    return replace(event, fields=values, payload=redact_json(event.payload))


def redact_state(state: ReservationState) -> ReservationState:
    """Return all that is held about a reservation without the person."""
    redacted_registers = {
        actor: _redact_registers(field_registers)
        for actor, field_registers in state.registers_by_actor.items()
    }
    return replace(state, registers_by_actor=redacted_registers)


def _redact_registers(registers: FieldRegisters) -> FieldRegisters:
    redacted = {
        name: RegisterValue(current.version, redact_value(name, current.value))
        for name, current in registers.fields.items()
    }
    return replace(registers, fields=redacted)


def collect_personal_values(state: ReservationState, guest_key: str) -> set[str]:
    """Return the names, numbers and addresses that a reservation holds of a guest.

    Args:
        state: All that is held about the reservation, a relay's losing words included.
        guest_key: The guest's; details that were joined of another one are left out.
    """
    linked_guest = state.linked_guest
    guest_details = (
        linked_guest.details if linked_guest is not None and guest_key in linked_guest.path else ()
    )
    values = [
        register_value.value
        for registers in state.registers_by_actor.values()
        for name, register_value in registers.fields.items()
        if name in GUEST_PATHS
    ]
    return {name for name in (*guest_details, *values) if isinstance(name, str) and name}


def redact_json(body: str) -> str:
    """Return a body with only the keys that are known to tell nothing of a person.

    Fails closed: what stands under such a key in another form than a code's goes too.
    """
    try:
        return json.dumps(_keep_impersonal(json.loads(body)), sort_keys=True)
    except (ValueError, RecursionError):
        return "{}"


def _keep_impersonal(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        return {}
    impersonal = {name: value for name, value in body.items() if name in _IMPERSONAL_KEYS}
    parts = {
        name: _keep_impersonal(part) for name, part in impersonal.items() if isinstance(part, dict)
    }
    return {name: value for name, value in impersonal.items() if _is_safe_value(value)} | parts


def _is_safe_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) and _is_safe_value(item) for item in value)
    if isinstance(value, str):
        return _SAFE_TEXT.fullmatch(value) is not None or parse_status(value) is not None
    return not isinstance(value, dict)


def redact_journal_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a journal entry that change when the person is erased from it."""
    fields = {name: redact_value(name, value) for name, value in entry["fields"].items()}
    changes = {
        path: change for path, change in entry["changes"].items() if path not in PERSONAL_PATHS
    }
    payload = redact_json(entry["payload"])
    redacted = {"fields": fields, "changes": changes, "payload": payload}
    return {name: value for name, value in redacted.items() if entry[name] != value}


MASK = "•••"

# Lower case without underscores. A relay's free text stays masked, whatever the field.
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

_UNMASKED_TEXT = re.compile(r"[A-Za-z0-9_.:+ -]{0,80}")


def mask_json(body: str) -> str:
    """Return a statement's JSON text with its personal values masked; other text masked whole."""
    try:
        parsed = parse_strict_json(body.encode("utf-8", "surrogatepass"))
    except InvalidJsonError:
        return MASK
    return json.dumps(_mask_value("", parsed), ensure_ascii=False)


def _mask_value(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {key: _mask_value(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mask_value(name, inner) for inner in value]
    if value is None or isinstance(value, bool) or _is_impersonal(name, value):
        return value
    return MASK


def _is_impersonal(name: str, value: object) -> bool:
    is_unmasked_key = name.replace("_", "").lower() in _UNMASKED_KEYS
    return is_unmasked_key and _UNMASKED_TEXT.fullmatch(str(value)) is not None


_ID_KEYS = ("id", "reservationId", "reservation_id", "guest_id")
_PHONE_SEPARATORS = re.compile(r"[\s().+/-]+")
_MIN_PHONE_DIGITS = 7


def referenced_keys(body: str, rid: str | None) -> set[str]:
    """Return the keys of the ids that a body holds, at its top or in ``data``.

    Args:
        body: JSON text.
        rid: The restaurant's OpenTable number, whose prefix an id may carry.
    """
    parsed = _parse_json(body)
    parts = (parsed, parsed.get("data")) if isinstance(parsed, dict) else ()
    return {key for part in parts if isinstance(part, dict) for key in _parse_keys(part, rid)}


def _parse_keys(part: dict[str, Any], rid: str | None) -> Iterator[str]:
    for identifier in filter(None, map(fields.parse_identifier, map(part.get, _ID_KEYS))):
        try:
            yield build_external_key(identifier, rid)
        except InvalidEventError:
            continue


def mentions_person(body: str, personal_identifiers: Iterable[str]) -> bool:
    """Whether a body holds one of a person's names, numbers or addresses, however written.

    Args:
        body: JSON text; its names are looked through as its values are.
        personal_identifiers: Names and addresses, and numbers in E.164 or as they came.
    """
    texts = list(_iter_texts(_parse_json(body)))
    folded_text = "\n".join(texts).casefold()
    digits = _PHONE_SEPARATORS.sub("", "|".join(texts))
    return any(
        _contains_identifier(folded_text, digits, identifier) for identifier in personal_identifiers
    )


def _contains_identifier(folded_text: str, digits: str, identifier: str) -> bool:
    number = _parse_national_number(identifier)
    if number is not None and number in digits:
        return True
    words = r"\s+".join(map(re.escape, identifier.casefold().split()))
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", folded_text) is not None


def _parse_national_number(identifier: str) -> str | None:
    """Return a number's digits without its country's, which a body may leave out."""
    # Imported on first use, as in `shared.domain.normalization.opentable_guest`.
    import phonenumbers  # noqa: PLC0415

    try:
        return str(phonenumbers.parse(identifier).national_number)
    except phonenumbers.NumberParseException:
        digits = _PHONE_SEPARATORS.sub("", identifier)
        return digits if digits.isdecimal() and len(digits) >= _MIN_PHONE_DIGITS else None


def _parse_json(body: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _iter_texts(value: object) -> Iterator[str]:
    """Yield every value in a body as it stands there, so that a last name follows a first one.

    The names of fields come last.
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


def is_expired(document: Mapping[str, Any], field: str, now: datetime) -> bool:
    """Whether a document has expired; Firestore may take days to remove it.

    Args:
        document: As stored.
        field: The field that says when it expires.
        now: The current time, UTC.
    """
    expires_at = document.get(field)
    return isinstance(expires_at, datetime) and expires_at <= now
