"""The journal: one immutable entry an event, and the fold that gives the reservation again."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from shared.domain.ledger.events import (
    Actor,
    Channel,
    ReservationEvent,
    Version,
    version_from_map,
    version_to_map,
)
from shared.domain.ledger.registers import ReservationState

_MAX_DATETIME = datetime(9999, 12, 31, tzinfo=UTC)


class WriteContext(Struct, frozen=True):
    """The times and names that a commit bears.

    Attributes:
        now: The time of receipt, UTC.
        attempt_id: A random name of this writer's try, by which it knows its own commit again
            when the answer to it was lost.
        journal_retention: How long after the reservation's start its journal is kept.
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
    """Return the entry of a change.

    Args:
        event: What was said; its payload is kept as the text that came, for no store can
            refuse a name or a depth inside a text.
        outcome: What became of it.
        changes: Shown field to ``{"from", "to"}``.
        state: All that is held with it.
        context: The times and names that the commit bears.
    """
    return {
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
        "payload": event.payload,
        "attempt": context.attempt_id,
        "journalExpireAt": _compute_expiry(state.resolve_field("startAt"), context),
        **({"proof": event.authentication.to_map()} if event.authentication else {}),
    }


def _compute_expiry(start_at: object, context: WriteContext) -> datetime:
    start = start_at if isinstance(start_at, datetime) else context.now
    return (
        start + context.journal_retention
        if start < _MAX_DATETIME - context.journal_retention
        else start
    )


def read_entry_version(entry: Mapping[str, Any]) -> Version:
    """Return the version that an entry's statement bears."""
    return version_from_map(entry["version"])


def build_later_entry_id(event: ReservationEvent) -> str:
    """Return the entry id of a ``sequence_id`` that OpenTable says again at another time."""
    return f"{event.event_id}.{event.version.occurred_at:%Y%m%dT%H%M%S.%fZ}"


def rebuild_state(entries: Iterable[Mapping[str, Any]]) -> ReservationState:
    """Return all that the journal's entries say together; their order does not matter."""
    state = ReservationState()
    for entry in entries:
        state = state.merge(_event_from_entry(entry))
    return state


def _event_from_entry(entry: Mapping[str, Any]) -> ReservationEvent:
    return ReservationEvent(
        external_key="",
        event_id=entry["eventId"],
        event_type=entry["eventType"],
        actor=Actor(entry["actor"]),
        version=read_entry_version(entry),
        fields=entry["fields"],
        payload=entry["payload"],
        channel=Channel(entry["source"]),
    )
