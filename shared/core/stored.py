"""Statements as Firestore keeps them, in ``sync`` and ``statusHistory``, and back.

A register is stored as its highest version, all values, and the versions of only those fields
that were last said earlier (``olderVersions``): OpenTable's objects are whole, so theirs is empty.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.core.change import Actor
from shared.core.joined import linked_guest_from_map
from shared.core.named import GuestReferences
from shared.core.statements import (
    FieldRegisters,
    RegisterValue,
    ReservationState,
    StatusHistoryEntry,
)
from shared.core.states import ReservationStatus
from shared.core.versions import version_from_map, version_to_map

_SEQUENCE_PREFIX = "seq-"


def registers_to_map(registers: FieldRegisters) -> dict[str, Any]:
    """Return a register as a map."""
    older_versions = {
        name: version_to_map(register_value.version)
        for name, register_value in registers.fields.items()
        if register_value.version != registers.version
    }
    return {
        "version": registers.version and version_to_map(registers.version),
        "values": {name: register_value.value for name, register_value in registers.fields.items()},
        "olderVersions": older_versions,
    }


def registers_from_map(stored: Mapping[str, Any]) -> FieldRegisters:
    """Read a register back."""
    version = version_from_map(stored["version"])
    older_versions = stored["olderVersions"]
    fields = {
        name: RegisterValue(
            version_from_map(older_versions[name]) if name in older_versions else version, value
        )
        for name, value in stored["values"].items()
    }
    return FieldRegisters(version, fields)


def status_history_to_maps(history: Iterable[StatusHistoryEntry]) -> list[dict[str, Any]]:
    """Return the status history as a list of maps, oldest first."""
    return [
        {
            "status": entry.status.value,
            "timestamp": entry.occurred_at,
            "source": entry.actor.value,
            "eventId": entry.event_id,
        }
        for entry in history
    ]


def status_history_from_maps(stored: Iterable[Mapping[str, Any]]) -> tuple[StatusHistoryEntry, ...]:
    """Read the status history back; what an earlier app left in another form is not ours."""
    entries = (_status_entry_from_map(item) for item in stored)
    return tuple(entry for entry in entries if entry is not None)


def _status_entry_from_map(stored: Any) -> StatusHistoryEntry | None:
    try:
        occurred_at, actor, event_id = (
            stored["timestamp"],
            Actor(stored["source"]),
            stored["eventId"],
        )
        status, sequence_id = ReservationStatus(stored["status"]), _parse_sequence_id(event_id)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    return StatusHistoryEntry(occurred_at, actor, sequence_id, event_id, status)


def _parse_sequence_id(event_id: str) -> int:
    digits = event_id.removeprefix(_SEQUENCE_PREFIX)
    return int(digits) if digits != event_id and digits.isdecimal() else 0


def reservation_state_from_document(flat: Mapping[str, Any]) -> ReservationState:
    """Read everything that was said about a reservation back from its flattened document."""
    registers_by_actor = {
        actor: registers_from_map(stored)
        for actor in Actor
        if (stored := flat.get(f"sync.{actor.lower()}")) is not None
    }
    linked_guest = flat.get("sync.guest")
    return ReservationState(
        registers_by_actor,
        status_history_from_maps(flat.get("statusHistory") or ()),
        linked_guest and linked_guest_from_map(linked_guest),
        _guest_references_from_document(flat),
    )


def guest_references_to_fields(references: GuestReferences) -> dict[str, Any]:
    """Return whom a reservation named as fields of its document, none where that is nobody."""
    if not references.keys:
        return {}
    return {
        "guests.named": sorted(references.keys),
        "guests.resolvedGuestKeys": sorted(references.resolved_keys),
        "guests.forgotten": references.has_forgotten_guest,
    }


def _guest_references_from_document(flat: Mapping[str, Any]) -> GuestReferences:
    return GuestReferences(
        frozenset(flat.get("guests.named", ())),
        frozenset(flat.get("guests.resolvedGuestKeys", ())),
        flat.get("guests.forgotten", False),
    )
