"""Merge events field by field: one last-writer-wins register per actor and field.

For each actor and field, the state keeps the value with the highest version. This is the maximum of
a total order, so merging is commutative, associative and idempotent: any permutation of the same
events, with any duplicates, gives the same state, as long as one version has one content. The order
of arrival, the channel and our own clock do not matter. The document is a pure function of the
state (`shared.domain.ledger.document`).

The status history keeps the newest entries of a set in a total order, so the same holds for it.
"""

import operator
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.ledger.events import (
    ACTOR_PRECEDENCE,
    ANONYMIZED_EVENT_TYPE,
    Actor,
    FieldValue,
    ReservationEvent,
    Version,
    is_representable_instant,
    version_from_map,
    version_to_map,
)
from shared.domain.ledger.guest_link import (
    GuestReferences,
    LinkedGuest,
    guest_references_from_document,
    linked_guest_from_map,
)
from shared.domain.normalization.canonical import (
    SPELLING_SUFFIX,
    canonicalize_fields,
    is_same_value,
)
from shared.domain.normalization.field_values import ReservationStatus
from shared.domain.normalization.identifiers import (
    is_document_id,
    lower_caseless_key,
    parse_object_event_id,
)
from shared.domain.validation import typed_or_none
from shared.errors import UnreadableDocumentError

MAX_STATUS_HISTORY_ENTRIES = 100
_STATUSES = list(ReservationStatus)  # a stored value may be unhashable

# How a sender wrote a start time or an id. It may differ between two events of one version.
NOTATION_FIELDS = frozenset({"startAtNote", "openTableIdSpelling", "guestIdSpelling"})


class RegisterValue(NamedTuple):
    """A value and its version; a tuple because every event creates dozens."""

    version: Version
    value: FieldValue


class FieldRegisters(Struct, frozen=True):
    """One actor's registers: its highest version and the latest value of each field."""

    version: Version | None = None
    fields: Mapping[str, RegisterValue] = field(default_factory=dict)

    def is_below(self, version: Version) -> bool:
        """Whether a version is higher than every merged one."""
        return self.version is None or self.version < version

    def merge_values(self, version: Version, values: Mapping[str, FieldValue]) -> "FieldRegisters":
        """Return the registers with an event's values merged in."""
        event_fields = {name: RegisterValue(version, value) for name, value in values.items()}
        return self.merge_registers(FieldRegisters(version, event_fields))

    def merge_registers(self, other: "FieldRegisters") -> "FieldRegisters":
        """Keep the value with the higher version of each field; on a tie, this object's."""
        newer = {
            name: current
            for name, current in other.fields.items()
            if name not in self.fields or self.fields[name].version < current.version
        }
        # An event without newer values raises the highest version, too: it shows a repeat of it.
        versions = [each.version for each in (self, other) if each.version is not None]
        return FieldRegisters(max(versions, default=None), {**self.fields, **newer})

    def has_conflict(self, version: Version, values: Mapping[str, FieldValue]) -> bool:
        """Whether a stored field has another value at this very version."""
        return any(
            current.version == version and not is_same_value(name, current.value, value)
            for name, value in values.items()
            if name not in NOTATION_FIELDS and (current := self.fields.get(name)) is not None
        )


_EMPTY_REGISTERS = FieldRegisters()


class StatusHistoryEntry(Struct, frozen=True, order=True):
    """One reported status; the order of the fields is the order of the history."""

    occurred_at: datetime
    actor: Actor
    sequence_id: int
    type_rank: int
    event_id: str
    status: ReservationStatus

    def to_map(self) -> dict[str, Any]:
        """Return the entry as stored; the event id contains the sequence."""
        rank = {"typeRank": self.type_rank} if self.type_rank else {}
        return {
            "status": self.status.value,
            "timestamp": self.occurred_at,
            "source": self.actor.value,
            "eventId": self.event_id,
            **rank,
        }


class ReservationState(Struct, frozen=True):
    """Everything stored about one reservation.

    Attributes:
        status_history: The newest reported statuses, oldest first.
        linked_guest: The guest of the shown ``guestKey``, None without a stored record.
        guest_references: The guests referenced by any event.
    """

    registers_by_actor: Mapping[Actor, FieldRegisters] = field(default_factory=dict)
    status_history: tuple[StatusHistoryEntry, ...] = ()
    linked_guest: LinkedGuest | None = None
    guest_references: GuestReferences = field(default_factory=GuestReferences)

    def get_registers(self, actor: Actor) -> FieldRegisters:
        """Return an actor's registers, empty if it reported nothing."""
        return self.registers_by_actor.get(actor, _EMPTY_REGISTERS)

    def merge_event(self, event: ReservationEvent) -> "ReservationState":
        """Return the state with an event merged in."""
        if event.event_type == ANONYMIZED_EVENT_TYPE:
            references = replace(self.guest_references, is_anonymized=True)
            return replace(self, guest_references=references, linked_guest=None)
        if event.is_render_only:
            return self
        registers = self.get_registers(event.actor).merge_values(event.version, event.fields)
        history = self.status_history
        status = event.fields.get("status")
        if isinstance(status, str):
            entry = StatusHistoryEntry(
                event.version.occurred_at,
                event.actor,
                event.version.sequence_id,
                event.version.type_rank,
                event.event_id,
                ReservationStatus(status),
            )
            # A set: a duplicate event adds no entry.
            if entry not in history:
                history = tuple(sorted((*history, entry)))[-MAX_STATUS_HISTORY_ENTRIES:]
        return replace(
            self,
            registers_by_actor={**self.registers_by_actor, event.actor: registers},
            status_history=history,
            guest_references=self.guest_references.with_key(event.fields.get("guestKey")),
        )

    def merge_state(self, other: "ReservationState") -> "ReservationState":
        """Return the state with another one of the same reservation merged in.

        At one version, this state's values stay. So does its linked guest: link the guest again if
        the other state refers to more guests.
        """
        history = sorted({*self.status_history, *other.status_history})
        return replace(
            self,
            registers_by_actor=dict(other.registers_by_actor)
            | {
                actor: registers.merge_registers(other.get_registers(actor))
                for actor, registers in self.registers_by_actor.items()
            },
            status_history=tuple(history[-MAX_STATUS_HISTORY_ENTRIES:]),
            guest_references=self.guest_references.merge(other.guest_references),
        )

    def next_timestamp(self, actor: Actor, now: datetime) -> datetime:
        """Return a time after the actor's last event, even if another server's clock is ahead."""
        last_version = self.get_registers(actor).version
        if last_version is None:
            return now
        return max(now, last_version.occurred_at + timedelta(microseconds=1))

    @property
    def missing_guest_key(self) -> str | None:
        """The key of the guest to show if there is no record of the guest."""
        guest_key = self.resolve_field("guestKey")
        is_missing = self.linked_guest is None and not self.guest_references.is_anonymized
        return guest_key if isinstance(guest_key, str) and is_missing else None

    def find_opentable_id(self, name: str) -> str | None:
        """Return an id as OpenTable wrote it, for a request: OpenTable may distinguish case.

        Args:
            name: ``openTableId`` or ``guestId``.
        """
        canonical_id = self.resolve_field(name)
        spelling = self.resolve_field(name + SPELLING_SUFFIX)
        # An event without a spelling may have replaced the id.
        is_current = isinstance(spelling, str) and lower_caseless_key(spelling) == canonical_id
        return typed_or_none(str, spelling if is_current else canonical_id)

    def resolve_field(self, name: str) -> FieldValue:
        """Return a field's value from its first reporter in `ACTOR_PRECEDENCE`."""
        for actor in ACTOR_PRECEDENCE:
            register_value = self.get_registers(actor).fields.get(name)
            if register_value is not None:
                return register_value.value
        return None


def reservation_state_from_document(flat: Mapping[str, Any]) -> ReservationState:
    """Read the state from a flattened document.

    Raises:
        UnreadableDocumentError: The document is damaged, so nothing may be merged into it.
    """
    if flat.get("sync") is not None:  # as a map it would be flattened
        raise UnreadableDocumentError("sync is not a map")
    linked_guest = flat.get("sync.guest")
    try:
        return ReservationState(
            {
                actor: registers_from_map(stored)
                for actor in ACTOR_PRECEDENCE
                if (stored := flat.get(f"sync.{actor.lower()}")) is not None
            },
            status_history_from_maps(flat.get("statusHistory") or ()),
            None if linked_guest is None else linked_guest_from_map(linked_guest),
            guest_references_from_document(flat),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnreadableDocumentError("sync, guests or statusHistory is malformed") from None


def registers_to_map(registers: FieldRegisters) -> dict[str, Any]:
    """Return registers as stored in ``sync``.

    Only fields older than the highest version have a version of their own in ``olderVersions``.
    OpenTable's objects are complete, so theirs is empty.
    """
    return {
        "version": registers.version and version_to_map(registers.version),
        "values": {name: current.value for name, current in registers.fields.items()},
        "olderVersions": {
            name: version_to_map(current.version)
            for name, current in registers.fields.items()
            if current.version != registers.version
        },
    }


def registers_from_map(stored: Mapping[str, Any]) -> FieldRegisters:
    """Read stored registers, in canonical form also if an earlier release stored another one."""
    version, older_versions = version_from_map(stored["version"]), stored["olderVersions"]
    fields = {}
    for name, value in field_values_from_map(stored["values"]).items():
        # A spelling, split off just now, has the version of its id.
        stored_name = name if name in stored["values"] else name.removesuffix(SPELLING_SUFFIX)
        is_older = stored_name in older_versions
        fields[name] = RegisterValue(
            version_from_map(older_versions[stored_name]) if is_older else version, value
        )
    return FieldRegisters(version, fields)


def field_values_from_map(stored: Mapping[str, Any]) -> dict[str, FieldValue]:
    """Read stored values by field name, in canonical form.

    Raises:
        TypeError: No event reports such a value.
    """
    values = canonicalize_fields(stored)
    for name, value in values.items():
        if not _is_field_value(name, value):
            raise TypeError("A field is malformed.")
    return values


def _is_field_value(name: str, value: object) -> bool:
    if value is None:
        return True
    if name == "guestKey":
        return isinstance(value, str) and is_document_id(value)
    if name == "status":
        return value in _STATUSES
    if isinstance(value, datetime):
        return is_representable_instant(value)
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int) and name != "startAt"


def status_history_from_maps(stored: Iterable[Any]) -> tuple[StatusHistoryEntry, ...]:
    """Read the stored status history, without entries in another app's format."""
    history = []
    for item in stored:
        try:
            occurred_at, event_id = item["timestamp"], item["eventId"]
            sequence_id = parse_object_event_id(event_id)
            if not isinstance(occurred_at, datetime):
                continue
            entry = StatusHistoryEntry(
                # OpenTable's times are in whole seconds.
                occurred_at if sequence_id is None else occurred_at.replace(microsecond=0),
                Actor(item["source"]),
                sequence_id or 0,
                operator.index(item.get("typeRank", 0)),  # TypeError unless it is an integer
                event_id,
                ReservationStatus(item["status"]),
            )
        except (KeyError, ValueError, TypeError, AttributeError):
            continue
        history.append(entry)
    return tuple(history)
