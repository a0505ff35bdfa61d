"""The journal: one immutable entry an event, and the fold that gives the reservation again."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from shared.core.change import Change, Source, Speaker, Version
from shared.core.statements import Statements
from shared.core.versions import stored_version, version_from

_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)


class Writing(Struct, frozen=True):
    """The times and names that a commit bears.

    Attributes:
        now: The time of receipt, UTC.
        attempt: A random name of this writer's try, by which it knows its own commit again
            when the answer to it was lost.
        journal_life: How long after the reservation's start its journal is kept.
    """

    now: datetime
    attempt: str
    journal_life: timedelta


def journal_entry(
    change: Change,
    outcome: str,
    changes: Mapping[str, Mapping[str, Any]],
    heard: Statements,
    writing: Writing,
) -> dict[str, Any]:
    """Return the entry of a change.

    Args:
        change: What was said; its payload is kept as the text that came, for no store can
            refuse a name or a depth inside a text.
        outcome: What became of it.
        changes: Shown field to ``{"from", "to"}``.
        heard: All that is held with it.
        writing: The times and names that the commit bears.
    """
    return {
        "eventId": change.event_id,
        "eventType": change.event_type,
        "source": change.source.value,
        "speaker": change.speaker.value,
        "occurredAt": change.version.at,
        "sequenceId": change.version.sequence_id or None,
        "version": stored_version(change.version),
        "said": dict(change.said),
        "receivedAt": writing.now,
        "outcome": str(outcome),
        "changes": dict(changes),
        "payload": change.payload,
        "attempt": writing.attempt,
        "journalExpireAt": _expiry(heard.shown("startAt"), writing),
        **({"proof": change.proof.stored()} if change.proof else {}),
    }


def _expiry(start_at: object, writing: Writing) -> datetime:
    start = start_at if isinstance(start_at, datetime) else writing.now
    return start + writing.journal_life if start < _END_OF_TIME - writing.journal_life else start


def entry_version(entry: Mapping[str, Any]) -> Version:
    """Return the version that an entry's statement bears."""
    return version_from(entry["version"])


def later_entry_id(change: Change) -> str:
    """Return the entry id of a ``sequence_id`` that OpenTable says again at another time."""
    return f"{change.event_id}.{change.version.at:%Y%m%dT%H%M%S.%fZ}"


def fold(entries: Iterable[Mapping[str, Any]]) -> Statements:
    """Return all that the journal's entries say together; their order does not matter."""
    statements = Statements()
    for entry in entries:
        statements = statements.hear(_change_from(entry))
    return statements


def _change_from(entry: Mapping[str, Any]) -> Change:
    return Change(
        external_key="",
        event_id=entry["eventId"],
        event_type=entry["eventType"],
        speaker=Speaker(entry["speaker"]),
        version=entry_version(entry),
        said=entry["said"],
        payload=entry["payload"],
        source=Source(entry["source"]),
    )
