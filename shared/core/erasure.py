"""What must go when a diner is to be forgotten, and what stays: time, party and status."""

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shared.core.change import Change, Value
from shared.core.statements import Register, Said, Statements
from shared.core.states import status_of

# Free text counts as a person's: a request or a tag may name anyone.
PERSONAL_FIELDS = frozenset(
    {
        "dinerName",
        "email",
        "phone",
        "specialRequests",
        "venueNotes",
        "openTableNotes",
        "cancellationReason",
        "visitTags",
    }
)
GUEST_PATHS = frozenset({"dinerName", "email", "phone"})
PERSONAL_PATHS = GUEST_PATHS | {f"metadata.{name}" for name in PERSONAL_FIELDS - GUEST_PATHS}
_ANONYMOUS_KEYS = frozenset(
    {
        "eventType",
        "event_type",
        "timestamp",
        "data",
        "reservationId",
        "restaurantId",
        "partySize",
        "reservationDateTime",
        "status",
        "id",
        "rid",
        "sequence_id",
        "guest_id",
        "confirmation_id",
        "state",
        "party_size",
        "scheduled_time",
        "scheduled_time_utc",
        "created_date",
        "created_date_utc",
        "updated_at",
        "updated_at_utc",
        "arrived_time",
        "arrived_time_utc",
        "seated_time",
        "seated_time_utc",
        "done_time",
        "done_time_utc",
        "table_number",
        "guestKey",
        "reportId",
    }
)
# A word without a digit may be anyone's name.
_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9_.:+-]{1,80}|reservation\.[a-z]{1,20}|", re.ASCII)


def erased(name: str, value: Value) -> Value:
    """Return a field's value without the person: none of it, in a form of the same kind."""
    if name not in PERSONAL_FIELDS:
        return value
    return [] if isinstance(value, list) else None


def scrubbed_change(change: Change) -> Change:
    """Return a statement without the person."""
    said = {name: erased(name, value) for name, value in change.said.items()}
    return replace(change, said=said, payload=scrubbed_text(change.payload))


def scrubbed_statements(statements: Statements) -> Statements:
    """Return all that is held about a reservation without the person."""
    registers = {
        speaker: _scrubbed_register(register) for speaker, register in statements.registers.items()
    }
    return replace(statements, registers=registers)


def _scrubbed_register(register: Register) -> Register:
    said = {
        name: Said(held.version, erased(name, held.value)) for name, held in register.fields.items()
    }
    return replace(register, fields=said)


def names_held(statements: Statements, guest_key: str) -> set[str]:
    """Return the names, numbers and addresses that a reservation holds of a guest.

    Args:
        statements: All that is held about the reservation, a relay's losing words included.
        guest_key: The guest's; details that were joined of another one are left out.
    """
    guest = statements.guest
    joined = guest.details if guest is not None and guest_key in guest.path else ()
    said = [
        held.value
        for register in statements.registers.values()
        for name, held in register.fields.items()
        if name in GUEST_PATHS
    ]
    return {name for name in (*joined, *said) if isinstance(name, str) and name}


def scrubbed_text(body: str) -> str:
    """Return a body with only the keys that are known to tell nothing of a person.

    Fails closed: what stands under such a key in another form than a code's goes too.
    """
    try:
        return json.dumps(_anonymous(json.loads(body)), sort_keys=True)
    except (ValueError, RecursionError):
        return "{}"


def _anonymous(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        return {}
    kept = {name: value for name, value in body.items() if name in _ANONYMOUS_KEYS}
    parts = {name: _anonymous(part) for name, part in kept.items() if isinstance(part, dict)}
    return {name: value for name, value in kept.items() if _is_code(value)} | parts


def _is_code(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) and _is_code(item) for item in value)
    if isinstance(value, str):
        return _CODE.fullmatch(value) is not None or status_of(value) is not None
    return not isinstance(value, dict)


def scrubbed_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a journal entry that change when the person is erased from it."""
    said = {name: erased(name, value) for name, value in entry["said"].items()}
    changes = {
        path: moved for path, moved in entry["changes"].items() if path not in PERSONAL_PATHS
    }
    payload = scrubbed_text(entry["payload"])
    wanted = {"said": said, "changes": changes, "payload": payload}
    return {name: value for name, value in wanted.items() if entry[name] != value}
