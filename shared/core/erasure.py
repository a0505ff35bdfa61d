"""What must go when a diner is to be forgotten, and what stays: time, party and status."""

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shared.core.change import FieldValue, ReservationEvent
from shared.core.statements import FieldRegisters, RegisterValue, ReservationState
from shared.core.states import parse_status

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
_IMPERSONAL_KEYS = frozenset(
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
