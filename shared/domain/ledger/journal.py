"""Build journal entries: one immutable record per event, in the same commit as its change."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from shared.domain.ledger.events import GUEST_LINKED_EVENT_TYPE, ReservationEvent, version_to_map
from shared.domain.ledger.registers import ReservationState
from shared.domain.privacy import GUEST_PATHS, PERSONAL_PATHS

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


def build_journal_entry(
    event: ReservationEvent,
    outcome: str,
    changes: Mapping[str, Mapping[str, Any]],
    state: ReservationState,
    context: WriteContext,
) -> dict[str, Any]:
    """Return the journal entry of an event.

    Args:
        changes: Visible path to ``{"from", "to"}``.
        state: The state after the event.
    """
    start_at = state.resolve_field("startAt")
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
    if event.event_type == GUEST_LINKED_EVENT_TYPE and state.linked_guest is not None:
        # The guest's values stay in the guest's record, within reach of an erasure.
        version = version_to_map(state.linked_guest.version)
        entry["guest"] = {"guestKey": state.linked_guest.key, "version": version}
    return entry


def omit_hidden_changes(
    changes: Mapping[str, Mapping[str, Any]],
    stored: Mapping[str, Any],
    state: ReservationState,
) -> dict[str, Mapping[str, Any]]:
    """Return the changes that an entry may contain.

    An entry never copies values of a linked guest, and no personal value after an erasure.

    Args:
        changes: All visible changes of the event.
        stored: The flat document before the event.
        state: The state after the event.
    """
    hidden_paths: frozenset[str] = frozenset()
    if state.guest_references.forbids_personal_data:
        hidden_paths = PERSONAL_PATHS
    # The old values are a guest's, too, if one was linked.
    elif stored.get("sync.guest") is not None or state.linked_guest is not None:
        hidden_paths = GUEST_PATHS
    return {path: change for path, change in changes.items() if path not in hidden_paths}


def build_repeated_sequence_entry_id(event: ReservationEvent) -> str:
    """Return the entry id of a ``sequence_id`` repeated with another timestamp."""
    return f"{event.event_id}.{event.version.occurred_at:%Y%m%dT%H%M%S.%fZ}"


def build_added_fields_entry_id(event: ReservationEvent, added_fields: Iterable[str]) -> str:
    """Return the entry id of a stored version with additional fields."""
    return f"{event.event_id}.{'-'.join(sorted(added_fields))}"
