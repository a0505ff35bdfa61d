"""What to write when a change meets what is held: the ledger's only judgement.

Pure: it is given the document and the journal entries as they were read, and answers with the
writes that one commit must make, or with the reason for making none. It never learns how an
earlier commit failed, nor in which order things arrived.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from shared.domain.ledger.document import (
    FlatDocument,
    ReservationIdentity,
    diff_fields,
    flatten_document,
    is_visible_path,
    native_registers,
    render_document,
    render_native_update,
)
from shared.domain.ledger.events import Actor, ReservationEvent, version_to_map
from shared.domain.ledger.journal import (
    WriteContext,
    build_journal_entry,
    build_later_entry_id,
    read_entry_version,
)
from shared.domain.ledger.merge import GUEST_LINKED_EVENT_TYPE, GuestRequired, merge_with_guest
from shared.domain.ledger.registers import (
    FieldRegisters,
    ReservationState,
    reservation_state_from_document,
)
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.normalization.opentable_guest import Guest
from shared.domain.privacy import GUEST_PATHS, PERSONAL_PATHS


class EventOutcome(StrEnum):
    """What became of a change."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"
    DUPLICATE = "duplicate"


class StoredReservation(Struct, frozen=True):
    """A reservation as it was read.

    Attributes:
        document: The ledger's document, None where there is none.
        journal_entries: Journal entries by id, None where there is none; ids that were not read are
            not in it.
        guests: Guests by key, likewise.
    """

    document: Mapping[str, Any] | None
    journal_entries: Mapping[str, Mapping[str, Any] | None]
    guests: Mapping[str, Guest | None] = field(default_factory=dict)


class ReservationWrite(Struct, frozen=True):
    """The writes of one commit, and what is held once it has landed.

    Attributes:
        outcome: What becomes of the change by it.
        is_create: Whether the document is created, or updated.
        changed_fields: Dotted path to value; empty where the document stays as it is.
        entry_id: The journal entry's id.
        entry: The journal entry.
        state: All that is then held about the reservation.
        forgotten_guest_keys: The forgotten guests whose it only now turns out to be: what its
            journal
            and the quarantine hold of them must go too.
    """

    outcome: EventOutcome
    is_create: bool
    changed_fields: FlatDocument
    entry_id: str
    entry: dict[str, Any]
    state: ReservationState
    forgotten_guest_keys: frozenset[str] = frozenset()


class NoChange(Struct, frozen=True):
    """Nothing is to be written: this very event was taken before."""

    state: ReservationState


class VersionConflict(Struct, frozen=True):
    """The same event says something else than it said before; it goes to the quarantine."""


class JournalEntryRequired(Struct, frozen=True):
    """What was read does not tell; read this journal entry too."""

    entry_id: str


Decision = ReservationWrite | NoChange | VersionConflict | JournalEntryRequired | GuestRequired


def decide(
    event: ReservationEvent,
    stored: StoredReservation,
    identity: ReservationIdentity,
    context: WriteContext,
) -> Decision:
    """Judge a change against what is held.

    Args:
        event: What is said.
        stored: The document and the journal entries as read.
        identity: Whose reservation it is.
        context: The times and names that the commit bears.
    """
    flat, is_native = (
        flatten_document(stored.document or {}),
        identity.system is ReservationSystem.LINEUP,
    )
    state = read_reservation_state(flat, identity.system)
    if _is_current_version(event, stored, state):
        return _no_change_or_conflict(_conflicts_with_registers(event, state), state)
    result = merge_with_guest(event, state, stored.guests)
    if isinstance(result, GuestRequired):
        return result
    event, merged = result.event, result.state_after
    repeat_decision = _decide_repeat(event, stored, result.state_before)
    if repeat_decision is not None:
        return repeat_decision
    rendered = (
        render_native_update(flat, merged, event)
        if is_native
        else render_document(identity, merged)
    )
    changed_fields = diff_fields(flat, rendered)
    visible_fields = {
        path: value for path, value in changed_fields.items() if is_visible_path(path)
    }
    outcome = _classify_outcome(
        event, stored, state, merged, has_visible_changes=bool(visible_fields)
    )
    if not changed_fields and not event.fields and event.actor is Actor.LINEUP:
        return NoChange(merged)
    changes = {
        path: {"from": flat.get(path), "to": value}
        for path, value in visible_fields.items()
        if path not in _hidden_paths(state, merged)
    }
    return ReservationWrite(
        outcome=outcome,
        is_create=stored.document is None,
        changed_fields=_with_timestamps(changed_fields, event, stored, identity, context.now),
        entry_id=_choose_entry_id(event, stored),
        entry={
            "restaurantId": identity.restaurant_id,
            **build_journal_entry(event, outcome, changes, merged, context),
            **_linked_guest_fields(event, merged),
        },
        state=merged,
        forgotten_guest_keys=result.forgotten_guest_keys,
    )


def read_reservation_state(flat: Mapping[str, Any], system: ReservationSystem) -> ReservationState:
    """Read all that was said back from the flattened document of a reservation of either system.

    Raises:
        RejectedStatementError: When there is no document of Lineup's own.
    """
    return (
        native_registers(flat)
        if system is ReservationSystem.LINEUP
        else reservation_state_from_document(flat)
    )


def _linked_guest_fields(event: ReservationEvent, state: ReservationState) -> dict[str, Any]:
    """Return what the journal tells of a join: which guest at which version, and no value."""
    if event.event_type != GUEST_LINKED_EVENT_TYPE or state.linked_guest is None:
        return {}
    version = version_to_map(state.linked_guest.version)
    return {"guest": {"guestKey": state.linked_guest.key, "version": version}}


def _hidden_paths(before: ReservationState, after: ReservationState) -> frozenset[str]:
    """Return the fields whose values the journal must not tell: a guest's are never copied."""
    if after.guest_references.has_forgotten_guest:
        return PERSONAL_PATHS
    return GUEST_PATHS if before.linked_guest or after.linked_guest else frozenset()


def _decide_repeat(
    event: ReservationEvent, stored: StoredReservation, state: ReservationState
) -> NoChange | VersionConflict | JournalEntryRequired | None:
    """Tell whether this very event was taken before; None means that it is new.

    OpenTable's object above the highest version held cannot have been taken, which spares the
    poll a read of the journal; its create would fail if that were ever untrue.
    """
    entry_id = _choose_entry_id(event, stored)
    entry = stored.journal_entries.get(entry_id)
    if entry is not None:
        return _no_change_or_conflict(_conflicts_with_entry(entry["fields"], event), state)
    registers = state.get_registers(event.actor)
    if registers.version == event.version:
        return _no_change_or_conflict(_conflicts_with_registers(event, state), state)
    if entry_id in stored.journal_entries or _is_newer_object(event, registers):
        return None
    return JournalEntryRequired(entry_id)


def _is_current_version(
    event: ReservationEvent, stored: StoredReservation, state: ReservationState
) -> bool:
    """Whether the document alone shows that nothing was said since: so it is with most rows.

    Then no guest need be looked for. What a forgotten guest once said is compared scrubbed.
    """
    is_same_version = state.get_registers(event.actor).version == event.version
    return (
        is_same_version
        and event.event_id not in stored.journal_entries
        and not state.guest_references.has_forgotten_guest
    )


def _conflicts_with_registers(event: ReservationEvent, state: ReservationState) -> bool:
    return state.get_registers(event.actor).has_conflict(event.version, event.fields)


def _is_newer_object(event: ReservationEvent, registers: FieldRegisters) -> bool:
    is_newer = registers.version is None or registers.version < event.version
    return is_newer and event.actor is Actor.OPENTABLE


def _no_change_or_conflict(
    is_conflict: bool,  # noqa: FBT001 -- a verdict, not an option
    state: ReservationState,
) -> NoChange | VersionConflict:
    return VersionConflict() if is_conflict else NoChange(state)


def _conflicts_with_entry(entry_fields: Mapping[str, Any], event: ReservationEvent) -> bool:
    """Judge on the fields that both carry, but not on the spelling of OpenTable's id."""
    common_names = entry_fields.keys() & event.fields.keys() - {"openTableId"}
    return any(entry_fields[name] != event.fields[name] for name in common_names)


def _choose_entry_id(event: ReservationEvent, stored: StoredReservation) -> str:
    """Return the journal id to write under.

    OpenTable may say one ``sequence_id`` again at a later ``updated_at_utc``: two statements,
    of which the second that came gets an id of its own.
    """
    entry = stored.journal_entries.get(event.event_id)
    if entry is None or event.actor is not Actor.OPENTABLE:
        return event.event_id
    return (
        event.event_id
        if read_entry_version(entry) == event.version
        else build_later_entry_id(event)
    )


def _classify_outcome(
    event: ReservationEvent,
    stored: StoredReservation,
    before: ReservationState,
    after: ReservationState,
    *,
    has_visible_changes: bool,
) -> EventOutcome:
    if stored.document is None:
        return EventOutcome.CREATED
    if has_visible_changes:
        return EventOutcome.UPDATED
    previous_version = before.get_registers(event.actor).version
    is_newer = previous_version is None or previous_version < event.version
    has_new_registers = after.get_registers(event.actor) != before.get_registers(event.actor)
    return EventOutcome.UNCHANGED if has_new_registers or is_newer else EventOutcome.STALE


def _with_timestamps(
    changed_fields: FlatDocument,
    event: ReservationEvent,
    stored: StoredReservation,
    identity: ReservationIdentity,
    now: datetime,
) -> FlatDocument:
    """Add the document's times of writing; where nothing is written, nothing is dated."""
    if not changed_fields:
        return {}
    timestamped: FlatDocument = {**changed_fields, "updatedAt": now}
    if identity.system is ReservationSystem.LINEUP:
        return timestamped
    is_create = stored.document is None
    if is_create:
        timestamped["createdAt"] = now
    if event.actor is not Actor.RELAY:
        timestamped["reconciliation.lastReconciledAt"] = now
    elif is_create:
        timestamped["reconciliation.lastReconciledAt"] = None
    return timestamped
