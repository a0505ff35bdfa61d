"""What has been said about one reservation, and the law by which statements are joined.

The law. Everything that was ever said about a reservation is kept as one register a speaker:
for each field the value that this speaker said at its highest version. Hearing a statement
takes, field by field, the greater of the two by version. That is the least upper bound of a
total order a field, so it is commutative, associative and idempotent: **any permutation of any
statements, with any duplicates, ends in the same registers**, as long as one version has one
content. Nothing else decides: not the order of arrival, not the way a statement came, not a
clock of ours. What is shown is a pure function of the registers (`shared.domain.ledger.document`).

The history of statuses is the newest `MAX_STATUS_HISTORY_ENTRIES` of a set in a total order, and
the
newest n of a union is the newest n of the newest n of its parts, so it obeys the same law.

Statements as Firestore keeps them, in ``sync`` and ``statusHistory``, and back.

A register is stored as its highest version, all values, and the versions of only those fields
that were last said earlier (``olderVersions``): OpenTable's objects are whole, so theirs is empty.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.ledger.events import (
    Actor,
    FieldValue,
    ReservationEvent,
    Version,
    version_from_map,
    version_to_map,
)
from shared.domain.ledger.guest_link import GuestReferences, LinkedGuest, linked_guest_from_map
from shared.domain.normalization.fields import ReservationStatus

MAX_STATUS_HISTORY_ENTRIES = 100


class RegisterValue(NamedTuple):
    """A value and the version at which it was last said; a tuple, for each event makes dozens."""

    version: Version
    value: FieldValue


class FieldRegisters(Struct, frozen=True):
    """All that one speaker said: the highest version heard, and each field's latest value."""

    version: Version | None = None
    fields: Mapping[str, RegisterValue] = field(default_factory=dict)

    def merge(self, version: Version, values: Mapping[str, FieldValue]) -> "FieldRegisters":
        """Return this register with a statement taken in, field by field."""
        newer = {
            name: RegisterValue(version, value)
            for name, value in values.items()
            if name not in self.fields or self.fields[name].version < version
        }
        highest = version if self.version is None else max(self.version, version)
        return FieldRegisters(highest, {**self.fields, **newer})

    def has_conflict(self, version: Version, values: Mapping[str, FieldValue]) -> bool:
        """Whether another value is held at this very version for a field that both speak of.

        The id's spelling is left out: OpenTable's pages write one id in either case.
        """
        return any(
            current.version == version and current.value != value
            for name, value in values.items()
            if name != "openTableId" and (current := self.fields.get(name)) is not None
        )


class StatusHistoryEntry(Struct, frozen=True, order=True):
    """One statement of a status; the field order is the history's order (time, kind, version)."""

    occurred_at: datetime
    actor: Actor
    sequence_id: int
    event_id: str
    status: ReservationStatus


class ReservationState(Struct, frozen=True):
    """Everything that is held about one reservation.

    Attributes:
        registers_by_actor: What each speaker said.
        status_history: The newest statements of a status, oldest first.
        linked_guest: The guest that the shown ``guestKey`` leads to, None where none is held.
        guest_references: Whom any statement named.
    """

    registers_by_actor: Mapping[Actor, FieldRegisters] = field(default_factory=dict)
    status_history: tuple[StatusHistoryEntry, ...] = ()
    linked_guest: LinkedGuest | None = None
    guest_references: GuestReferences = field(default_factory=GuestReferences)

    def get_registers(self, actor: Actor) -> FieldRegisters:
        """Return a speaker's register, empty where it has not spoken."""
        return self.registers_by_actor.get(actor, _EMPTY_REGISTERS)

    def merge(self, event: ReservationEvent) -> "ReservationState":
        """Return these statements joined with one more, by the law of this module."""
        if not event.fields and event.actor is Actor.LINEUP:
            return self  # A repair says nothing: it must not move a version, or it never rests.
        registers = self.get_registers(event.actor).merge(event.version, event.fields)
        return replace(
            self,
            registers_by_actor={**self.registers_by_actor, event.actor: registers},
            status_history=_append_status(self.status_history, event),
            guest_references=self.guest_references.with_key(event.fields.get("guestKey")),
        )

    def resolve_field(self, name: str) -> FieldValue:
        """Return a field's value: OpenTable's where it ever spoke of it, else a relay's, else ours.

        OpenTable's own word beats a relay's whatever either clock says.
        """
        for actor in Actor:
            register_value = self.get_registers(actor).fields.get(name)
            if register_value is not None:
                return register_value.value
        return None


_EMPTY_REGISTERS = FieldRegisters()


def _append_status(
    history: tuple[StatusHistoryEntry, ...], event: ReservationEvent
) -> tuple[StatusHistoryEntry, ...]:
    status = event.fields.get("status")
    if not isinstance(status, str):
        return history
    version = event.version
    entry = StatusHistoryEntry(
        version.occurred_at,
        event.actor,
        version.sequence_id,
        event.event_id,
        ReservationStatus(status),
    )
    if entry in history:
        return history
    return tuple(sorted((*history, entry)))[-MAX_STATUS_HISTORY_ENTRIES:]


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
