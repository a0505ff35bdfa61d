"""What the ledger's document shows: a pure function of the statements about a reservation.

A document travels here as a flat map of dotted paths (``source.state``), the form in which
Firestore takes field-masked updates: what the bundle does not own in a document, it never
touches.

Lineup's own reservations: documents that another part of the app writes, changed by staff here.

Such a document shows values that no statement in the ledger ever said, in forms that only its
writer knows. So it is never rendered from statements: a change writes the fields that it says,
and leaves everything else as it stands.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.ledger.events import Actor, ReservationEvent
from shared.domain.ledger.guest_link import linked_guest_to_map
from shared.domain.ledger.registers import (
    MAX_STATUS_HISTORY_ENTRIES,
    ReservationState,
    guest_references_to_fields,
    registers_from_map,
    registers_to_map,
    status_history_to_maps,
)
from shared.domain.normalization.fields import ReservationStatus, format_local_date, format_utc
from shared.domain.normalization.identifiers import ReservationSystem, build_reservation_document_id
from shared.errors import InvalidEventError

UNKNOWN_DINER_NAME = "OpenTable Guest"

_ALWAYS_WRITTEN_PATHS = {
    "openTableId": "source.openTableId",
    "confirmationId": "source.confirmationId",
    "guestId": "source.guestId",
    "state": "source.state",
    "partySize": "partySize",
    "bookedAt": "bookedAt",
    "arrivedAt": "arrivedAt",
    "seatedAt": "seatedAt",
    "completedAt": "completedAt",
}

_OPTIONAL_PATHS = {
    name: f"metadata.{name}"
    for name in (
        "specialRequests",
        "venueNotes",
        "openTableNotes",
        "tableNumbers",
        "tableCategory",
        "server",
        "origin",
        "visitTags",
        "cancellationReason",
        "restaurantName",
        "startAtNote",
    )
}

_INTERNAL_PREFIXES = ("sync.", "guests.", "statusHistory", "startAtTimestamp")
FlatDocument = dict[str, Any]


class ReservationIdentity(Struct, frozen=True):
    """Whose reservation a document is, and the clock on that restaurant's wall.

    Attributes:
        restaurant_id: Lineup's id of the restaurant.
        external_key: The reservation's key; for Lineup's own its document id.
        zone: The restaurant's zone.
        system: Where it was made.
    """

    restaurant_id: str
    external_key: str
    zone: ZoneInfo
    system: ReservationSystem = ReservationSystem.OPENTABLE


def render_document(identity: ReservationIdentity, state: ReservationState) -> FlatDocument:
    """Return all that the bundle writes in a document but its times of writing.

    Args:
        identity: The restaurant, the reservation's key and the restaurant's zone.
        state: Everything that was said about the reservation.
    """
    start_at = state.resolve_field("startAt")
    document: FlatDocument = {
        "id": build_reservation_document_id(identity.external_key),
        "restaurantId": identity.restaurant_id,
        "source.system": "OPENTABLE",
        "source.externalReservationId": identity.external_key,
        "dinerId": None,
        "status": resolve_status(state),
        "statusHistory": status_history_to_maps(state.status_history),
    }
    document.update(_render_start_time(start_at, identity.zone))
    document.update(_render_reconciliation(state, start_at))
    document.update(_render_diner(state))
    document.update(guest_references_to_fields(state.guest_references))
    for name, path in _ALWAYS_WRITTEN_PATHS.items():
        document[path] = state.resolve_field(name)
    for name, path in _OPTIONAL_PATHS.items():
        if any(name in registers.fields for registers in state.registers_by_actor.values()):
            document[path] = state.resolve_field(name)
    for actor, registers in state.registers_by_actor.items():
        document[f"sync.{actor.lower()}"] = registers_to_map(registers)
    return document


def _render_diner(state: ReservationState) -> FlatDocument:
    """Return who comes: the guest that ``guestId`` leads to, else what envelopes say.

    Names are derived, never merged by time: nobody's clock can put one guest's name on
    another's reservation.
    """
    linked_guest = state.linked_guest
    document: FlatDocument = {
        "dinerName": (linked_guest and linked_guest.diner_name) or state.resolve_field("dinerName"),
        "phone": (linked_guest and linked_guest.phone) or state.resolve_field("phone"),
        "email": (linked_guest and linked_guest.email) or state.resolve_field("email"),
    }
    document["dinerName"] = document["dinerName"] or UNKNOWN_DINER_NAME
    # Written also as None: a guest whom the reservation no longer names must not stay in it.
    document["sync.guest"] = linked_guest and linked_guest_to_map(linked_guest)
    return document


def resolve_status(state: ReservationState) -> str:
    """Return the status that is shown.

    The default is derived, not said: it carries no version, so any word overrules it.
    """
    return str(state.resolve_field("status") or ReservationStatus.CONFIRMED.value)


def _render_start_time(start_at: object, zone: ZoneInfo) -> FlatDocument:
    if not isinstance(start_at, datetime):
        return {"startAt": None, "startAtTimestamp": None, "localDate": None}
    return {
        "startAt": format_utc(start_at),
        "startAtTimestamp": start_at,
        "localDate": format_local_date(start_at, zone),
    }


def format_opentable_version(state: ReservationState) -> str:
    """Return a text that changes whenever OpenTable says something newer.

    A finding of reconciliation holds only while this mark is the one it was judged by.
    """
    version = state.get_registers(Actor.OPENTABLE).version
    return f"{version.sequence_id}@{format_utc(version.occurred_at)}" if version else ""


def find_open_divergence(state: ReservationState) -> str | None:
    """Return the type of the divergence that reconciliation flagged and nothing has settled."""
    if state.resolve_field("divergenceVersion") != format_opentable_version(state):
        return None
    divergence = state.resolve_field("divergence")
    return divergence if isinstance(divergence, str) else None


def _render_reconciliation(state: ReservationState, start_at: object) -> FlatDocument:
    is_diverged = find_open_divergence(state) is not None
    is_reconciled = Actor.OPENTABLE in state.registers_by_actor and start_at is not None
    return {
        "reconciliation.divergenceDetected": is_diverged,
        "reconciliation.reconciliationStatus": (
            "DIVERGED" if is_diverged else "RECONCILED" if is_reconciled else "PENDING"
        ),
    }


def flatten_document(document: Mapping[str, Any]) -> FlatDocument:
    """Return a stored document with its maps one level deep as dotted paths."""
    flat: FlatDocument = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{key}": inner for key, inner in value.items()})
        else:
            flat[name] = value
    return flat


def nest_fields(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted paths as nested maps, as a new document is created."""
    document: dict[str, Any] = {}
    for path, value in flat.items():
        name, dot, key = path.partition(".")
        if dot:
            document.setdefault(name, {})[key] = value
        else:
            document[name] = value
    return document


def diff_fields(stored: Mapping[str, Any], rendered: Mapping[str, Any]) -> FlatDocument:
    """Return the rendered fields that the held document lacks or shows otherwise."""
    return {
        path: value
        for path, value in rendered.items()
        if path not in stored or stored[path] != value
    }


def is_visible_path(path: str) -> bool:
    """Whether a person sees this field, as against the bundle's own bookkeeping."""
    return not path.startswith(_INTERNAL_PREFIXES)


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
