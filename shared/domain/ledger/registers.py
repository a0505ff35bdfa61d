"""Merge events field by field: one last-writer-wins register per actor and field.

For each actor and field, the state keeps the value with the highest version. This is the maximum of
a total order, so merging is commutative, associative and idempotent: any permutation of the same
events, with any duplicates, gives the same state, as long as one version has one content. The order
of arrival, the channel and our own clock do not matter. The document is a pure function of the
state (`shared.domain.ledger.document`). Only of `NOTATION_FIELDS`, which may differ within a
version, the first one stays.

The status history keeps the newest entries of a set in a total order, so the same holds for it.

`merge_with_guest` merges an event, links the guest of the resulting state, and redacts both if the
guest was forgotten.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from shared.domain.ledger.events import (
    ACTOR_PRECEDENCE,
    ANONYMIZED_EVENT_TYPE,
    GUEST_LINKED_EVENT_TYPE,
    Actor,
    FieldValue,
    ReservationEvent,
    Version,
)
from shared.domain.ledger.guest_link import (
    GuestReferences,
    LinkedGuest,
    StoredGuests,
    UnresolvedGuest,
    resolve_guest,
)
from shared.domain.normalization.canonical import SPELLING_SUFFIX, is_same_value
from shared.domain.normalization.field_values import ReservationStatus
from shared.domain.normalization.identifiers import lower_caseless_key
from shared.domain.privacy import GUEST_PATHS, redact_json, redact_value
from shared.domain.validation import typed_or_none

MAX_STATUS_HISTORY_ENTRIES = 100

# How a sender wrote a start time or an id. It may differ between two events of one version.
NOTATION_FIELDS = frozenset({"startAtNote", "openTableIdSpelling", "guestIdSpelling"})

ResolvedGuests = Mapping[str, LinkedGuest | UnresolvedGuest]


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
            history = tuple(sorted({*history, entry}))[-MAX_STATUS_HISTORY_ENTRIES:]
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
        """Return ``openTableId`` or ``guestId`` as OpenTable wrote it: it may distinguish case."""
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


class GuestRequired(Struct, frozen=True):
    """The guest's record decides; read it and merge again."""

    key: str


class StateTransition(Struct, frozen=True):
    """An event and the state before and after it, redacted if the guest was forgotten.

    Attributes:
        state_as_read: The state before the event, never redacted.
        state_after: Includes the linked guest.
        forgotten_guest_keys: Forgotten guests, first connected to the reservation by this event.
    """

    event: ReservationEvent
    state_as_read: ReservationState
    state_before: ReservationState
    state_after: ReservationState
    forgotten_guest_keys: frozenset[str] = field(default_factory=frozenset)


def merge_with_guest(
    event: ReservationEvent, state_before: ReservationState, guests: StoredGuests
) -> StateTransition | GuestRequired:
    """Merge an event and link the guest of the resulting state.

    Once a referenced guest is forgotten or the reservation is anonymized, every event of the
    reservation is redacted before it is stored, for every actor.
    """
    state_after = state_before.merge_event(event)
    is_guest_update = event.event_type == GUEST_LINKED_EVENT_TYPE
    resolved = _resolve_guests(state_before, state_after, guests, is_guest_update=is_guest_update)
    required = find_required_guest(resolved)
    if required is not None:
        return required
    state_after = link_guest(state_after, resolved, is_complete=is_guest_update)
    if not state_after.guest_references.forbids_personal_data:
        return StateTransition(event, state_before, state_before, state_after)
    event, redacted_before = redact_event(event), redact_state(state_before)
    redacted_after = replace(
        redacted_before.merge_event(event),
        linked_guest=state_after.linked_guest,
        guest_references=state_after.guest_references,
    )
    newly_forgotten = frozenset(
        guest.key
        for guest in resolved.values()
        if isinstance(guest, LinkedGuest)
        and guest.is_forgotten
        and not state_before.guest_references.has_forgotten_guest
    )
    return StateTransition(event, state_before, redacted_before, redacted_after, newly_forgotten)


def _resolve_guests(
    state_before: ReservationState,
    state_after: ReservationState,
    guests: StoredGuests,
    *,
    is_guest_update: bool,
) -> ResolvedGuests:
    """Resolve the references that affect the shown guest or the redaction.

    Earlier references are resolved again only after a guest's record changed: that update is
    applied to all reservations of the guest.
    """
    keys = state_after.guest_references.keys
    if not is_guest_update:
        keys -= state_before.guest_references.keys
    resolved = {key: resolve_guest(key, guests) for key in sorted(keys)}
    shown_key = state_after.resolve_field("guestKey")
    if isinstance(shown_key, str) and shown_key not in resolved:
        linked_guest = state_before.linked_guest
        # The stored link is still valid, and spares the commit a read of the guest.
        is_linked = linked_guest is not None and linked_guest.referenced_key == shown_key
        resolved[shown_key] = (
            linked_guest if linked_guest and is_linked else resolve_guest(shown_key, guests)
        )
    return resolved


def find_required_guest(resolved: ResolvedGuests) -> GuestRequired | None:
    """Return the first guest whose record decides and was not read yet."""
    for guest in resolved.values():
        if isinstance(guest, UnresolvedGuest) and not guest.was_read:
            return GuestRequired(guest.key)
    return None


def link_guest(
    state: ReservationState, resolved: ResolvedGuests, *, is_complete: bool
) -> ReservationState:
    """Return the state with the guest of its ``guestKey``, None for an anonymized reservation.

    Args:
        resolved: Guests by referenced key, including the shown one if any.
        is_complete: Whether every reference was resolved.
    """
    guest = resolved.get(str(state.resolve_field("guestKey")))
    is_shown = not state.guest_references.is_anonymized
    return replace(
        state,
        linked_guest=guest if isinstance(guest, LinkedGuest) and is_shown else None,
        guest_references=state.guest_references.with_resolved(
            resolved.values(), is_complete=is_complete
        ),
    )


def redact_event(event: ReservationEvent) -> ReservationEvent:
    """Return an event without personal data."""
    values = {name: redact_value(name, value) for name, value in event.fields.items()}
    return replace(event, fields=values, payload=redact_json(event.payload))


def redact_state(state: ReservationState) -> ReservationState:
    """Return the registers of a reservation without personal values, in their versions."""
    registers_by_actor = {}
    for actor, registers in state.registers_by_actor.items():
        redacted = {
            name: RegisterValue(current.version, redact_value(name, current.value))
            for name, current in registers.fields.items()
        }
        registers_by_actor[actor] = replace(registers, fields=redacted)
    return replace(state, registers_by_actor=registers_by_actor)


def collect_personal_values(state: ReservationState, guest_key: str) -> set[str]:
    """Return the names, phone numbers and addresses of a guest stored with a reservation.

    Args:
        state: The registers of all actors: a relay's values count even if OpenTable's prevail.
        guest_key: The guest's key; details of another linked guest are left out.
    """
    values: list[FieldValue] = []
    if state.linked_guest is not None and guest_key in state.linked_guest.path:
        values += state.linked_guest.details
    for registers in state.registers_by_actor.values():
        values += (
            current.value for name, current in registers.fields.items() if name in GUEST_PATHS
        )
    return {value for value in values if isinstance(value, str) and value}
