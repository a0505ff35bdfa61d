"""Recompute results in another way, to compare the product with."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.domain.ledger.events import Actor, Channel, ReservationEvent, version_from_map
from shared.domain.ledger.registers import ReservationState
from shared.domain.normalization.canonical import canonicalize_fields


def rebuild_state(entries: Iterable[Mapping[str, Any]]) -> ReservationState:
    """Return the state of a reservation from its journal entries, in any order."""
    state = ReservationState()
    for entry in entries:
        state = state.merge_event(
            ReservationEvent(
                external_key="",
                event_id=entry["eventId"],
                event_type=entry["eventType"],
                actor=Actor(entry["actor"]),
                version=version_from_map(entry["version"]),
                fields=canonicalize_fields(entry["fields"]),
                payload=entry["payload"],
                channel=Channel(entry["source"]),
            )
        )
    return state
