"""Decide what one event writes to a reservation's document and journal.

The decision depends only on the event and on the document, journal entries and guests as read. It
never depends on the order of arrival or on how an earlier commit failed.

An event has one immutable journal entry, in the same commit as its change.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct, field

from shared.domain.ledger.document import (
    FlatDocument,
    ReservationIdentity,
    diff_fields,
    list_visible_changes,
    native_state_from_document,
    render_document,
    render_native_update,
    render_write_times,
    reservation_state_from_document,
)
from shared.domain.ledger.events import (
    GUEST_LINKED_EVENT_TYPE,
    Actor,
    EventOutcome,
    ReservationEvent,
    version_from_map,
    version_to_map,
)
from shared.domain.ledger.fields import PATHS_BY_NAME
from shared.domain.ledger.guest_link import StoredGuests
from shared.domain.ledger.registers import (
    NOTATION_FIELDS,
    GuestRequired,
    ReservationState,
    StateTransition,
    merge_with_guest,
)
from shared.domain.normalization.canonical import CUT_TEXTS_FIELD, canonicalize_field, is_same_value
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.privacy import GUEST_PATHS, PERSONAL_PATHS
from shared.domain.validation import flatten_document
from shared.errors import UnreadableDocumentError

_MAX_DATETIME = datetime(9999, 12, 31, tzinfo=UTC)


class WriteContext(Struct, frozen=True):
    """The values of a commit that are not in its event.

    Attributes:
        now: Time of receipt, UTC.
        attempt_id: A random id of the writer's attempt. The writer finds its own commit by it if
            the response was lost.
        journal_retention: How long an entry stays after the reservation's start.
    """

    now: datetime
    attempt_id: str
    journal_retention: timedelta


class StoredReservation(Struct, frozen=True):
    """A reservation as read from Firestore.

    Attributes:
        document: None if it does not exist.
        journal_entries: Entries by id, None for a nonexistent one. A missing id was not read.
    """

    document: Mapping[str, Any] | None
    journal_entries: Mapping[str, Mapping[str, Any] | None]
    guests: StoredGuests = field(default_factory=dict)


class ReservationWrite(Struct, frozen=True):
    """The writes of one commit.

    Attributes:
        is_create: Whether the document is created or updated.
        changed_fields: Dotted path to value; empty if the document stays as it is.
        state: The state after the commit.
        forgotten_guest_keys: Forgotten guests, first connected to the reservation by this event.
            Its journal and quarantine items must be redacted too.
    """

    outcome: EventOutcome
    is_create: bool
    changed_fields: FlatDocument
    entry_id: str
    entry: dict[str, Any]
    state: ReservationState
    forgotten_guest_keys: frozenset[str] = frozenset()


class NoChange(Struct, frozen=True):
    """The event is already stored."""

    state: ReservationState


class VersionConflict(Struct, frozen=True):
    """The event is already stored with other content; it belongs in the quarantine."""


class UnreadableDocument(Struct, frozen=True):
    """The stored document or a journal entry is damaged; nothing is written to it."""


class JournalEntryRequired(Struct, frozen=True):
    """The journal decides whether the event is new; read this entry and decide again."""

    entry_id: str


Decision = (
    ReservationWrite
    | NoChange
    | VersionConflict
    | UnreadableDocument
    | JournalEntryRequired
    | GuestRequired
)


def decide(
    event: ReservationEvent,
    stored: StoredReservation,
    identity: ReservationIdentity,
    context: WriteContext,
) -> Decision:
    """Decide what an event writes; the caller commits it, or reads what is required and repeats."""
    flat = flatten_document(stored.document or {})
    try:
        for entry in stored.journal_entries.values():
            if entry is not None:
                _require_readable_entry(entry)
        state = read_reservation_state(flat, identity.system)
    except UnreadableDocumentError:
        return UnreadableDocument()
    # Most rows of a poll or a reconciliation end here, without a read of the guest. After a guest
    # was forgotten, the event must be redacted before it can be compared.
    is_stored_version = state.get_registers(event.actor).version == event.version
    if is_stored_version and not state.guest_references.forbids_personal_data:
        repeat = _decide_repeat(event, stored, state)
        if repeat is not None:
            return repeat
    merged = merge_with_guest(event, state, stored.guests)
    if isinstance(merged, GuestRequired):
        return merged
    # From here on the event and both states are redacted if a guest was forgotten.
    repeat = _decide_repeat(merged.event, stored, merged.state_before)
    if repeat is not None:
        return repeat
    return _build_write(merged, stored, flat, identity, context)


def read_reservation_state(flat: Mapping[str, Any], system: ReservationSystem) -> ReservationState:
    """Read the state from a flattened document.

    Raises:
        InvalidEventError: Lineup's own reservation does not exist.
        UnreadableDocumentError: The document is damaged.
    """
    if system is ReservationSystem.LINEUP:
        return native_state_from_document(flat)
    # Every write stores it as a list. Flattened, a map is missing; overwriting it would lose it.
    if "source.system" in flat and not isinstance(flat.get("statusHistory"), list):
        raise UnreadableDocumentError("statusHistory is not a list")
    return reservation_state_from_document(flat)


def _require_readable_entry(entry: Mapping[str, Any]) -> None:
    """Check the parts of a journal entry that a decision reads."""
    try:
        is_readable = isinstance(entry["fields"], Mapping)
        version_from_map(entry["version"])
    except (KeyError, TypeError, AttributeError):
        is_readable = False
    if not is_readable:
        raise UnreadableDocumentError("a journal entry is malformed")


def _decide_repeat(
    event: ReservationEvent, stored: StoredReservation, state: ReservationState
) -> NoChange | VersionConflict | JournalEntryRequired | None:
    """Decide on an event that is stored already; None means a new event.

    The registers decide on their highest version, the journal on every earlier one.
    """
    registers, added_fields = state.get_registers(event.actor), _find_added_fields(event, state)
    if registers.version == event.version:
        if registers.has_conflict(event.version, event.fields):
            return VersionConflict()
        if not added_fields:
            return NoChange(state)
    entry_id = _choose_entry_id(event, stored, added_fields)
    if entry_id in stored.journal_entries:
        entry = stored.journal_entries[entry_id]
        if entry is None:
            return None
        return NoChange(state) if _has_same_values(entry, event) else VersionConflict()
    # An OpenTable object above the highest stored version must be new. This spares the poll a read
    # of the journal; if it were ever wrong, creating the entry would fail.
    if event.actor is Actor.OPENTABLE and registers.is_below(event.version):
        return None
    return JournalEntryRequired(entry_id)


def _has_same_values(entry: Mapping[str, Any], event: ReservationEvent) -> bool:
    """Whether a journal entry and an event agree on every field of both.

    Another release may have read fewer fields of the same row.
    """
    stored_fields = entry["fields"]
    return all(
        is_same_value(name, canonicalize_field(name, stored_fields[name]), value)
        for name, value in event.fields.items()
        if name in stored_fields and name not in NOTATION_FIELDS
    )


def _find_added_fields(event: ReservationEvent, state: ReservationState) -> Collection[str]:
    """Return the event's fields that OpenTable's stored version does not have yet.

    A newer release reads more of the same row. An earlier event of the version may have had fewer
    fields, because its personal data was removed. Null adds no field: otherwise a release with a
    new field would write every reservation again.
    """
    registers = state.get_registers(event.actor)
    if event.actor is not Actor.OPENTABLE or registers.version != event.version:
        return ()
    # Neither another notation nor a lower limit of texts adds a field.
    ignored_fields = NOTATION_FIELDS | {CUT_TEXTS_FIELD}
    return [
        name
        for name, value in event.fields.items()
        if name not in ignored_fields
        and (
            registers.fields[name].version < event.version
            if name in registers.fields
            else value is not None
        )
    ]


def _choose_entry_id(
    event: ReservationEvent, stored: StoredReservation, added_fields: Collection[str]
) -> str:
    """Return the id of the event's journal entry.

    OpenTable can repeat a ``sequence_id`` with another ``updated_at_utc``. These are two events,
    and the second to arrive has an id of its own.
    """
    if added_fields:
        return f"{event.event_id}.{'-'.join(sorted(added_fields))}"
    entry = stored.journal_entries.get(event.event_id)
    if entry is None or event.actor is not Actor.OPENTABLE:
        return event.event_id
    is_same_event = version_from_map(entry["version"]) == event.version
    return event.event_id if is_same_event else build_repeated_sequence_entry_id(event)


def build_repeated_sequence_entry_id(event: ReservationEvent) -> str:
    """Return the entry id of a ``sequence_id`` repeated with another timestamp."""
    return f"{event.event_id}.{event.version.occurred_at:%Y%m%dT%H%M%S.%fZ}"


def _build_write(
    merged: StateTransition,
    stored: StoredReservation,
    flat: FlatDocument,
    identity: ReservationIdentity,
    context: WriteContext,
) -> ReservationWrite | NoChange:
    """Return the write of a new event, `NoChange` for a repair that changes nothing."""
    event, state = merged.event, merged.state_after
    if identity.system is ReservationSystem.LINEUP:
        rendered = render_native_update(flat, state, event)
    else:
        rendered = render_document(identity, state)
    changed_fields = diff_fields(flat, rendered)
    if event.is_render_only and not changed_fields:
        return NoChange(state)
    is_create = stored.document is None
    changes = list_visible_changes(flat, changed_fields)
    added_fields = _find_added_fields(event, merged.state_before)
    outcome = EventOutcome.CREATED if is_create else _classify_update(merged, changes, added_fields)
    if changed_fields:
        changed_fields |= render_write_times(event, identity, context.now, is_create=is_create)
    shown_changes = omit_hidden_changes(changes, flat, state)
    entry = build_journal_entry(event, outcome, shown_changes, state, context)
    return ReservationWrite(
        outcome=outcome,
        is_create=is_create,
        changed_fields=changed_fields,
        entry_id=_choose_entry_id(event, stored, added_fields),
        entry=entry | {"restaurantId": identity.restaurant_id},
        state=state,
        forgotten_guest_keys=merged.forgotten_guest_keys,
    )


def build_journal_entry(
    event: ReservationEvent,
    outcome: str,
    changes: Mapping[str, Mapping[str, Any]],
    state_after: ReservationState,
    context: WriteContext,
) -> dict[str, Any]:
    """Return the journal entry of an event with its changes, ``{"from", "to"}`` by visible path."""
    start_at = state_after.resolve_field("startAt")
    expires_at = start_at if isinstance(start_at, datetime) else context.now
    if expires_at < _MAX_DATETIME - context.journal_retention:
        expires_at += context.journal_retention
    entry = {
        "eventId": event.event_id,
        "eventType": event.event_type,
        "source": event.channel.value,
        "actor": event.actor.value,
        "occurredAt": event.version.occurred_at,
        "sequenceId": event.version.sequence_id or None,
        "version": version_to_map(event.version),
        "fields": dict(event.fields),
        "receivedAt": context.now,
        "outcome": str(outcome),
        "changes": dict(changes),
        # Text, not a map: Firestore can refuse a name or a depth in a map, never in a text.
        "payload": event.payload,
        "attempt": context.attempt_id,
        "journalExpireAt": expires_at,
    }
    if event.requested_by is not None:
        entry["by"] = event.requested_by
    if event.authentication is not None:
        entry["authentication"] = event.authentication.to_map()
    guest = state_after.linked_guest
    if event.event_type == GUEST_LINKED_EVENT_TYPE and guest is not None:
        # The guest's values stay in the guest's record, within reach of an erasure.
        entry["guest"] = {"guestKey": guest.key, "version": version_to_map(guest.version)}
    return entry


def omit_hidden_changes(
    changes: Mapping[str, Mapping[str, Any]],
    flat_before: Mapping[str, Any],
    state_after: ReservationState,
) -> dict[str, Mapping[str, Any]]:
    """Return the changes that an entry may contain.

    An entry never copies values of a linked guest, and no personal value after an erasure.
    """
    hidden_paths: frozenset[str] = frozenset()
    if state_after.guest_references.forbids_personal_data:
        hidden_paths = PERSONAL_PATHS
    # The old values are a guest's, too, if one was linked.
    elif flat_before.get("sync.guest") is not None or state_after.linked_guest is not None:
        hidden_paths = GUEST_PATHS
    return {path: change for path, change in changes.items() if path not in hidden_paths}


def _classify_update(
    merged: StateTransition, changes: Mapping[str, object], added_fields: Collection[str]
) -> EventOutcome:
    actor = merged.event.actor
    # A field that earlier releases did not read is no change at OpenTable.
    known_fields = merged.state_before.get_registers(actor).fields
    unread_paths = {PATHS_BY_NAME.get(name) for name in added_fields if name not in known_fields}
    if changes.keys() - unread_paths:
        return EventOutcome.UPDATED
    # As read, because a redaction is an effect even if the event is old.
    before = merged.state_as_read.get_registers(actor)
    after = merged.state_after.get_registers(actor)
    has_effect = before.is_below(merged.event.version) or after != before
    return EventOutcome.UNCHANGED if has_effect else EventOutcome.STALE
