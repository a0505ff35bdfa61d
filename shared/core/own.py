"""Lineup's own reservations: documents that another part of the app writes, changed by staff here.

Such a document shows values that no statement in the ledger ever said, in forms that only its
writer knows. So it is never rendered from statements: a change writes the fields that it says,
and leaves everything else as it stands.
"""

from collections.abc import Mapping
from typing import Any

from shared.core.change import Actor, ReservationEvent
from shared.core.document import FlatDocument
from shared.core.statements import MAX_STATUS_HISTORY_ENTRIES, ReservationState
from shared.core.stored import registers_from_map, registers_to_map
from shared.errors import InvalidEventError

_NATIVE_PATHS = {"status": "status", "cancellationReason": "metadata.cancellationReason"}


def native_registers(flat: Mapping[str, Any]) -> ReservationState:
    """Return what the staff said about one of Lineup's own reservations.

    Args:
        flat: The flattened document; its history is its writer's, and stays unread.

    Raises:
        RejectedStatementError: When there is no document: only its writer may create one.
    """
    if not flat:
        raise InvalidEventError("unknown_reservation", "There is no reservation of this id.")
    stored = flat.get("sync.lineup")
    return ReservationState({} if stored is None else {Actor.LINEUP: registers_from_map(stored)})


def render_native_update(
    flat: Mapping[str, Any], state: ReservationState, event: ReservationEvent
) -> FlatDocument:
    """Return the fields that a change writes in a document of Lineup's own.

    Args:
        flat: The flattened document as held.
        state: All that the staff said, this change included.
        event: What is said; a field that was said later already is left out.
    """
    registers = state.get_registers(Actor.LINEUP)
    document: FlatDocument = {"sync.lineup": registers_to_map(registers)}
    for name, path in _NATIVE_PATHS.items():
        if name in event.fields and registers.fields[name].version == event.version:
            document[path] = event.fields[name]
    if "status" in document:
        history = list(flat.get("statusHistory") or ())
        document["statusHistory"] = [*history, _build_status_entry(event)][
            -MAX_STATUS_HISTORY_ENTRIES:
        ]
    return document


def _build_status_entry(event: ReservationEvent) -> dict[str, Any]:
    return {
        "status": event.fields["status"],
        "timestamp": event.version.occurred_at,
        "source": event.actor.value,
        "eventId": event.event_id,
    }
