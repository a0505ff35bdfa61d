"""What has been said about one reservation, and the law by which statements are joined.

The law. Everything that was ever said about a reservation is kept as one register a speaker:
for each field the value that this speaker said at its highest version. Hearing a statement
takes, field by field, the greater of the two by version. That is the least upper bound of a
total order a field, so it is commutative, associative and idempotent: **any permutation of any
statements, with any duplicates, ends in the same registers**, as long as one version has one
content. Nothing else decides: not the order of arrival, not the way a statement came, not a
clock of ours. What is shown is a pure function of the registers (`shared.core.document`).

The history of statuses is the newest `MAX_STATUS_HISTORY_ENTRIES` of a set in a total order, and
the
newest n of a union is the newest n of the newest n of its parts, so it obeys the same law.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from shared.core.change import Actor, FieldValue, ReservationEvent, Version
from shared.core.joined import LinkedGuest
from shared.core.named import GuestReferences
from shared.core.states import ReservationStatus

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
