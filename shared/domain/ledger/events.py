"""The one shape in which anything that is said about a reservation travels.

A webhook, a polled row, a row fetched by reconciliation, a replay and a staff action all
become a `ReservationEvent`; from there on nobody asks which way it came.

Versions as Firestore keeps them, and back.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from msgspec import Struct

from shared.domain.webhook_auth.verify import Verification


class Actor(StrEnum):
    """Who makes a statement, the more authoritative first."""

    OPENTABLE = "OPENTABLE"
    RELAY = "RELAY"
    LINEUP = "LINEUP"


class Channel(StrEnum):
    """Which way a change came; kept for the story, never used to decide."""

    WEBHOOK = "WEBHOOK"
    POLL = "POLL"
    RECONCILIATION = "RECONCILIATION"
    STAFF = "STAFF"
    REPLAY = "REPLAY"


class Version(Struct, frozen=True, order=True):
    """A statement's place in its speaker's order.

    OpenTable's own objects are ordered by ``sequence_id``, then ``updated_at_utc``; everyone
    else's statements by ``timestamp``, then ``event_id``. Versions of different speakers are never
    compared.

    Attributes:
        sequence_id: OpenTable's counter; 0 for everyone else.
        occurred_at: When the speaker says that it happened, UTC.
        event_id: The event's id (see `shared.domain.normalization.identifiers`), which orders as
            the envelope's own id
            does and is bounded; empty for OpenTable's objects.
    """

    sequence_id: int
    occurred_at: datetime
    event_id: str

    @classmethod
    def from_sequence(cls, sequence_id: int, updated_at: datetime) -> Self:
        """Return the version of OpenTable's own object."""
        return cls(sequence_id, updated_at, "")

    @classmethod
    def from_timestamp(cls, timestamp: datetime, event_id: str) -> Self:
        """Return the version of a relay's or our own statement."""
        return cls(0, timestamp, event_id)


FieldValue = str | int | bool | datetime | list[str] | None


class ReservationEvent(Struct, frozen=True):
    """What one statement says about one reservation.

    Attributes:
        external_key: The reservation's key (see
            `shared.domain.normalization.identifiers.build_external_key`).
        event_id: The journal entry's id; one event has one id whichever way it comes.
        event_type: ``reservation.created``, ``.updated``, ``.cancelled`` for envelopes,
            ``reservation.snapshot`` for OpenTable's objects, ``reconciliation.*`` and
            ``staff.*`` for our own.
        actor: Who says it.
        version: Its place in that speaker's order.
        fields: Field name to value, for the fields that it speaks of; None is a value (cleared).
        payload: The statement as it came, JSON text.
        channel: Which way it came.
        authentication: How the sender of a webhook proved who it is; None for all else.
    """

    external_key: str
    event_id: str
    event_type: str
    actor: Actor
    version: Version
    fields: Mapping[str, FieldValue]
    payload: str
    channel: Channel
    authentication: Verification | None = None


def version_to_map(version: Version) -> dict[str, Any]:
    """Return a version as a map; what is always empty for its speaker is left out."""
    if version.event_id:
        return {"at": version.occurred_at, "id": version.event_id}
    return {"at": version.occurred_at, "sequenceId": version.sequence_id}


def version_from_map(stored: Mapping[str, Any]) -> Version:
    """Read a version back."""
    return Version(stored.get("sequenceId", 0), stored["at"], stored.get("id", ""))
