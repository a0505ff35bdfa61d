"""Rebuild a reservation's document from its journal.

The journal has every event, so merging its entries gives the state again. What the stored document
knows beyond it, for example from entries that have expired, is kept.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.domain.ledger.decide import (
    ReservationWrite,
    StoredReservation,
    WriteContext,
    build_journal_entry,
    omit_hidden_changes,
)
from shared.domain.ledger.document import (
    FlatDocument,
    ReservationIdentity,
    diff_fields,
    field_values_from_map,
    list_visible_changes,
    render_document,
    reservation_state_from_document,
)
from shared.domain.ledger.events import (
    Actor,
    Channel,
    EventOutcome,
    ReservationEvent,
    build_lineup_event,
    version_from_map,
)
from shared.domain.ledger.guest_link import resolve_guest
from shared.domain.ledger.registers import (
    GuestRequired,
    ReservationState,
    find_required_guest,
    link_guest,
    redact_state,
)
from shared.domain.validation import flatten_document
from shared.errors import UnreadableDocumentError

REBUILT_EVENT_TYPE = "staff.rebuilt"


def decide_rebuild(
    stored: StoredReservation, identity: ReservationIdentity, context: WriteContext
) -> ReservationWrite | GuestRequired | None:
    """Return the write that makes a document agree with its journal, None if it does.

    Args:
        stored: The document, its complete journal, and the guests read so far.

    Raises:
        UnreadableDocumentError: A journal entry is damaged, or there is none.
    """
    entries = [entry for entry in stored.journal_entries.values() if entry is not None]
    flat = flatten_document(stored.document or {})
    state = merge_journal_entries(entries)
    with suppress(UnreadableDocumentError):  # a damaged document adds nothing to its journal
        state = state.merge_state(reservation_state_from_document(flat))
    resolved = {key: resolve_guest(key, stored.guests) for key in state.guest_references.keys}
    required = find_required_guest(resolved)
    if required is not None:
        return required
    state = link_guest(state, resolved, is_complete=True)
    if state.guest_references.forbids_personal_data:
        state = replace(redact_state(state), linked_guest=state.linked_guest)
    changed_fields = diff_fields(flat, render_document(identity, state))
    if not changed_fields:
        return None
    event = build_lineup_event(
        identity.external_key,
        event_id=f"rebuild-{context.attempt_id}",
        event_type=REBUILT_EVENT_TYPE,
        occurred_at=context.now,
        channel=Channel.STAFF,
    )
    is_create = stored.document is None
    outcome = EventOutcome.CREATED if is_create else EventOutcome.UPDATED
    changes = omit_hidden_changes(list_visible_changes(flat, changed_fields), flat, state)
    entry = build_journal_entry(event, outcome, changes, state, context)
    return ReservationWrite(
        outcome=outcome,
        is_create=is_create,
        changed_fields=changed_fields | _restore_timestamps(entries, context.now, flat),
        entry_id=event.event_id,
        entry=entry | {"restaurantId": identity.restaurant_id},
        state=state,
    )


def merge_journal_entries(entries: Collection[Mapping[str, Any]]) -> ReservationState:
    """Return the state of a reservation from its journal entries, in any order.

    Raises:
        UnreadableDocumentError: An entry is damaged, or there is none.
    """
    if not entries:
        raise UnreadableDocumentError("the journal has no entry")
    state = ReservationState()
    for entry in entries:
        state = state.merge_event(_event_from_entry(entry))
    return state


def _event_from_entry(entry: Mapping[str, Any]) -> ReservationEvent:
    try:
        return ReservationEvent(
            external_key="",
            event_id=_read_text(entry, "eventId"),
            event_type=_read_text(entry, "eventType"),
            actor=Actor(entry["actor"]),
            version=version_from_map(entry["version"]),
            fields=field_values_from_map(entry["fields"]),
            payload=entry["payload"],
            channel=Channel(entry["source"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnreadableDocumentError("a journal entry is malformed") from None


def _read_text(entry: Mapping[str, Any], name: str) -> str:
    text = entry[name]
    if not isinstance(text, str):
        raise TypeError(f"{name} is a text.")
    return text


def _restore_timestamps(
    entries: Iterable[Mapping[str, Any]], now: datetime, flat: FlatDocument
) -> FlatDocument:
    """Return the times of writing: of a missing document, those of its journal."""
    timestamps: FlatDocument = {"updatedAt": now}
    received = [
        (time, entry.get("actor"))
        for entry in entries
        if isinstance(time := entry.get("receivedAt"), datetime)
    ]
    if not isinstance(flat.get("createdAt"), datetime):
        timestamps["createdAt"] = min((time for time, _ in received), default=now)
    if "reconciliation.lastReconciledAt" not in flat:
        from_opentable = (time for time, actor in received if actor != Actor.RELAY)
        timestamps["reconciliation.lastReconciledAt"] = max(from_opentable, default=None)
    return timestamps
