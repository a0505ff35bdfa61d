"""Define the reservation event, the common form of every report about a reservation.

Webhooks, polled rows, reconciliation, replays and staff actions all become a `ReservationEvent`.
After normalization, the channel no longer matters.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from msgspec import Struct

from shared.domain.webhook_auth import Authentication

# Ends the retention of a reservation's personal data. Like an erasure, it is final.
ANONYMIZED_EVENT_TYPE = "retention.anonymized"
GUEST_LINKED_EVENT_TYPE = "guest.linked"

FieldValue = str | int | bool | datetime | list[str] | None

_EARLIEST_INSTANT = datetime(1, 1, 2, tzinfo=UTC)
_LATEST_INSTANT = datetime(9999, 12, 30, tzinfo=UTC)


def is_representable_instant(instant: datetime) -> bool:
    """Whether an instant is within the calendar's limits in every zone."""
    return _EARLIEST_INSTANT <= instant <= _LATEST_INSTANT


class Actor(StrEnum):
    """The reporter of an event.

    OPENTABLE: its own webhook or API. RELAY: a service that forwards OpenTable's events as
    envelopes. LINEUP: the restaurant's own application, with its staff and this bundle.
    """

    OPENTABLE = "OPENTABLE"
    RELAY = "RELAY"
    LINEUP = "LINEUP"


# The complete authority rule: the first actor with a value for a field wins. Clocks of different
# actors are never compared.
ACTOR_PRECEDENCE = (Actor.OPENTABLE, Actor.RELAY, Actor.LINEUP)


class Channel(StrEnum):
    """How an event reached us. It is stored for the history and never used to decide."""

    WEBHOOK = "WEBHOOK"
    POLL = "POLL"
    RECONCILIATION = "RECONCILIATION"
    STAFF = "STAFF"
    REPLAY = "REPLAY"


class EventOutcome(StrEnum):
    """The effect of an event.

    UNCHANGED: a newer version with the same visible values, or a stored version with fields unread
    by earlier releases. STALE: an older version without an effect.
    """

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"
    DUPLICATE = "duplicate"


class Version(Struct, frozen=True, order=True):
    """The position of an event among the events of its actor.

    OpenTable's objects are ordered by ``sequence_id``, then ``updated_at_utc``; all other events by
    ``timestamp``, then ``type_rank``, then ``event_id``. Versions of different actors are never
    compared.

    Attributes:
        sequence_id: OpenTable's counter; 0 for the other actors.
        occurred_at: The actor's own time of the event, UTC.
        type_rank: Decides between an envelope's types at one time: see `EVENT_TYPE_RANKS` in
            `shared.domain.normalization.webhook_body`; 0 for all other events.
        event_id: The journal id (see `shared.domain.normalization.identifiers`), sorted like the
            envelope's id and bounded in length; empty for OpenTable's objects.
    """

    sequence_id: int
    occurred_at: datetime
    type_rank: int
    event_id: str

    @classmethod
    def from_sequence(cls, sequence_id: int, updated_at: datetime) -> Self:
        """Return the version of an OpenTable object."""
        return cls(sequence_id, updated_at, 0, "")

    @classmethod
    def from_timestamp(cls, timestamp: datetime, event_id: str, type_rank: int = 0) -> Self:
        """Return the version of an event from a relay or from Lineup."""
        return cls(0, timestamp, type_rank, event_id)


def version_to_map(version: Version) -> dict[str, Any]:
    """Return a version as stored, without its actor's empty parts."""
    if version.event_id:
        rank = {"typeRank": version.type_rank} if version.type_rank else {}
        return {"at": version.occurred_at, "id": version.event_id, **rank}
    return {"at": version.occurred_at, "sequenceId": version.sequence_id}


def version_from_map(stored: Mapping[str, Any]) -> Version:
    """Read a stored version. A fraction of a second in OpenTable's time is dropped.

    Raises:
        KeyError: It has no time.
        TypeError: A part is malformed.
    """
    sequence_id, event_id = stored.get("sequenceId", 0), stored.get("id", "")
    occurred_at, type_rank = stored["at"], stored.get("typeRank", 0)
    # Such a part would fail later, when versions are compared or a time after it is computed.
    if not (
        isinstance(sequence_id, int)
        and isinstance(occurred_at, datetime)
        and is_representable_instant(occurred_at)
        and isinstance(event_id, str)
        and isinstance(type_rank, int)
    ):
        raise TypeError("A version is malformed.")
    if not event_id and occurred_at.microsecond:
        occurred_at = occurred_at.replace(microsecond=0)
    return Version(sequence_id, occurred_at, type_rank, event_id)


class ReservationEvent(Struct, frozen=True):
    """One actor's report about one reservation.

    Attributes:
        external_key: See `shared.domain.normalization.identifiers.build_external_key`.
        event_id: The journal entry's id; the same for every channel.
        event_type: ``reservation.created``, ``.updated`` or ``.cancelled`` for envelopes,
            ``reservation.snapshot`` for OpenTable's objects, ``guest.linked``, ``reconciliation.*``
            and ``staff.*`` for Lineup's own events.
        fields: Values of the reported fields only. None is a value: the field was cleared.
        payload: The event as received, JSON text.
        authentication: How the sender of a webhook was authenticated; None on other channels.
        requested_by: The user who requested a staff action or a replay; None for other events.
    """

    external_key: str
    event_id: str
    event_type: str
    actor: Actor
    version: Version
    fields: Mapping[str, FieldValue]
    payload: str
    channel: Channel
    authentication: Authentication | None = None
    requested_by: str | None = None

    @property
    def open_table_id(self) -> str:
        """The id of an OpenTable object as OpenTable wrote it, for a request."""
        return str(self.fields.get("openTableIdSpelling") or self.fields["openTableId"])

    @property
    def is_render_only(self) -> bool:
        """Whether the event has no fields and only renders the document again.

        Repairs and guest links are such events. They must not raise Lineup's version: every repair
        would then change the document.
        """
        return self.actor is Actor.LINEUP and not self.fields


def build_lineup_event(
    external_key: str,
    *,
    event_id: str,
    event_type: str,
    occurred_at: datetime,
    channel: Channel,
    fields: Mapping[str, FieldValue] | None = None,
    payload: str = "{}",
    requested_by: str | None = None,
) -> ReservationEvent:
    """Return an event of the staff or of this bundle; without fields it reports nothing."""
    return ReservationEvent(
        external_key=external_key,
        event_id=event_id,
        event_type=event_type,
        actor=Actor.LINEUP,
        version=Version.from_timestamp(occurred_at, event_id),
        fields=fields or {},
        payload=payload,
        channel=channel,
        requested_by=requested_by,
    )
