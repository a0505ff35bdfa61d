"""Render a reservation's state as the ledger's document, and read it from one.

Here a document is a flat map of dotted paths (``source.state``), the form of Firestore's
field-masked updates: fields of other apps are never touched.

Native reservations were made in Lineup. Another application writes their documents in its own
format, so they are never rendered: an event of the staff writes only its own fields.
"""

import operator
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.domain.ledger.divergence import find_open_divergence, find_review_decision
from shared.domain.ledger.events import (
    ACTOR_PRECEDENCE,
    Actor,
    FieldValue,
    ReservationEvent,
    is_representable_instant,
    version_from_map,
    version_to_map,
)
from shared.domain.ledger.fields import PATHS_BY_NAME
from shared.domain.ledger.guest_link import (
    guest_references_from_document,
    guest_references_to_fields,
    linked_guest_from_map,
    linked_guest_to_map,
)
from shared.domain.ledger.registers import (
    MAX_STATUS_HISTORY_ENTRIES,
    FieldRegisters,
    RegisterValue,
    ReservationState,
    StatusHistoryEntry,
)
from shared.domain.normalization.canonical import (
    CUT_TEXTS_FIELD,
    MAX_TEXT_BYTES_LIMIT,
    SPELLING_SUFFIX,
    canonicalize_fields,
    canonicalize_path,
    cut_value,
    is_cut,
)
from shared.domain.normalization.field_values import (
    ReservationStatus,
    format_local_date,
    format_utc,
    parse_instant,
)
from shared.domain.normalization.identifiers import (
    ReservationSystem,
    build_reservation_document_id,
    is_document_id,
    parse_object_event_id,
)
from shared.domain.search import build_search_terms
from shared.domain.validation import UNREADABLE_VALUE
from shared.errors import InvalidEventError, UnreadableDocumentError

UNKNOWN_DINER_NAME = "OpenTable Guest"
_STATUSES = list(ReservationStatus)  # a stored value may be unhashable

_CUT_TEXTS_PATH = PATHS_BY_NAME[CUT_TEXTS_FIELD]
_NATIVE_FIELDS = ("status", "cancellationReason")
SEARCH_TERMS_PATH = "searchTerms"
_INTERNAL_PREFIXES = ("sync.", "guests.", "statusHistory", "startAtTimestamp", SEARCH_TERMS_PATH)

FlatDocument = dict[str, Any]


class ReservationIdentity(Struct, frozen=True):
    """A reservation's key and system, and its restaurant with the time zone.

    Attributes:
        restaurant_id: Lineup's id.
        external_key: The reservation's key; the document id of a native reservation.
    """

    restaurant_id: str
    external_key: str
    zone: ZoneInfo
    system: ReservationSystem = ReservationSystem.OPENTABLE


def render_document(identity: ReservationIdentity, state: ReservationState) -> FlatDocument:
    """Return every field of the document except the times of writing."""
    document = _resolve_fields(state)
    start_at, linked_guest = document["startAt"], state.linked_guest
    has_start = isinstance(start_at, datetime) and is_representable_instant(start_at)
    is_diverged = find_open_divergence(state) is not None
    # Without OpenTable's own row or a start, a reconciliation has nothing to confirm.
    is_reconciled = Actor.OPENTABLE in state.registers_by_actor and has_start
    document |= {
        "id": build_reservation_document_id(identity.external_key),
        "restaurantId": identity.restaurant_id,
        "source.system": "OPENTABLE",
        "source.externalReservationId": identity.external_key,
        "dinerId": None,
        "status": resolve_status(state),
        "statusHistory": [entry.to_map() for entry in state.status_history],
        "startAt": format_utc(start_at) if has_start else None,
        "startAtTimestamp": start_at if has_start else None,
        "localDate": format_local_date(start_at, identity.zone) if has_start else None,
        "reconciliation.divergenceDetected": is_diverged,
        "reconciliation.reconciliationStatus": (
            "DIVERGED" if is_diverged else "RECONCILED" if is_reconciled else "PENDING"
        ),
        # Also written as None: a guest no longer referenced must not stay.
        "sync.guest": linked_guest and linked_guest_to_map(linked_guest),
        **guest_references_to_fields(state.guest_references),
    }
    if "reviewDecision" in state.get_registers(Actor.LINEUP).fields:
        document["reconciliation.reviewDecision"] = find_review_decision(state)
    document[SEARCH_TERMS_PATH] = build_search_terms(document["dinerName"], document["phone"])
    document["dinerName"] = document["dinerName"] or UNKNOWN_DINER_NAME
    if _CUT_TEXTS_PATH in document:
        document[_CUT_TEXTS_PATH] = [
            name for name, path in PATHS_BY_NAME.items() if is_cut(document.get(path))
        ]
    for actor, registers in state.registers_by_actor.items():
        document[f"sync.{actor.lower()}"] = registers_to_map(registers)
    return document


def _resolve_fields(state: ReservationState) -> FlatDocument:
    """Return the value of each field by path, with the name and contact of the linked guest."""
    all_registers = state.registers_by_actor.values()
    document: FlatDocument = {
        path: state.resolve_field(name)
        for name, path in PATHS_BY_NAME.items()
        # Metadata is written once reported, even as None: a cleared value must not stay.
        if not path.startswith("metadata.")
        or any(name in registers.fields for registers in all_registers)
    }
    # The linked guest wins over a relay's values whatever the versions are: no clock can put one
    # guest's name on another guest's reservation.
    guest = state.linked_guest
    if guest is not None:
        document["dinerName"] = guest.diner_name or document["dinerName"]
        document["phone"] = guest.phone or document["phone"]
        document["email"] = guest.email or document["email"]
    return document


def read_external_key(document_id: str, source: Mapping[str, Any]) -> str:
    """Return the external key of one of OpenTable's reservations.

    Raises:
        UnreadableDocumentError: The document has none, or the one of another document.
    """
    key = source.get("externalReservationId")
    if not isinstance(key, str) or build_reservation_document_id(key) != document_id:
        raise UnreadableDocumentError("source.externalReservationId does not match the id")
    return key


def find_start(document: Mapping[str, Any]) -> datetime | None:
    """Return the start of a reservation, None if it is missing or damaged.

    Documents of other programs may have only its text.
    """
    timestamp, text = document.get("startAtTimestamp"), document.get("startAt")
    if isinstance(timestamp, datetime):
        return timestamp if is_representable_instant(timestamp) else None
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        return None


def find_diner_name(document: Mapping[str, Any]) -> object:
    """Return the diner's name in a document, None for the placeholder of an unknown one."""
    name = document.get("dinerName")
    return None if name == UNKNOWN_DINER_NAME else name


def resolve_status(state: ReservationState) -> str:
    """Return the shown status; the default has no version, so every reported status replaces it."""
    return str(state.resolve_field("status") or ReservationStatus.CONFIRMED.value)


def native_state_from_document(flat: Mapping[str, Any]) -> ReservationState:
    """Read the staff's registers of a native reservation.

    The status history stays unread: it is in the other application's format.

    Raises:
        InvalidEventError: The document does not exist; only the other application creates it.
        UnreadableDocumentError: The document is damaged.
    """
    if not flat:
        raise InvalidEventError("unknown_reservation", "No reservation has this id.")
    stored = flat.get("sync.lineup")
    if stored is None:
        return ReservationState()
    try:
        return ReservationState({Actor.LINEUP: registers_from_map(stored)})
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnreadableDocumentError("sync.lineup is malformed") from None


def render_native_update(
    flat: Mapping[str, Any], state: ReservationState, event: ReservationEvent
) -> FlatDocument:
    """Render an event's changes to a native reservation.

    Args:
        state: The state after the event. A field with a newer value is not written.
    """
    registers = state.get_registers(Actor.LINEUP)
    document: FlatDocument = {"sync.lineup": registers_to_map(registers)}
    for name in _NATIVE_FIELDS:
        if name in event.fields and registers.fields[name].version == event.version:
            document[PATHS_BY_NAME[name]] = event.fields[name]
    if "status" in document:
        version, status = event.version, ReservationStatus(document["status"])
        entry = StatusHistoryEntry(version.occurred_at, event.actor, 0, 0, event.event_id, status)
        stored_history = flat.get("statusHistory")
        history = [*(stored_history if isinstance(stored_history, list) else ()), entry.to_map()]
        document["statusHistory"] = history[-MAX_STATUS_HISTORY_ENTRIES:]
    return document


def diff_fields(stored: Mapping[str, Any], rendered: Mapping[str, Any]) -> FlatDocument:
    """Return the rendered fields missing or different in the stored document."""
    return {
        path: value
        for path, value in rendered.items()
        if path not in stored or stored[path] != value
    }


def list_visible_changes(
    stored: Mapping[str, Any], rendered: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the old and the new value of each rendered field that looks different to people."""
    return {
        path: {"from": _to_shown_value(stored.get(path)), "to": value}
        for path, value in rendered.items()
        # An absent field equals null, and so do two spellings of a value: a release with one more
        # field, or with another canonical form, changes nothing that people see.
        if not path.startswith(_INTERNAL_PREFIXES)
        and canonicalize_path(path, stored.get(path)) != value
    }


def _to_shown_value(stored: Any) -> FieldValue | float:
    """Return a stored value for the history; a person may have written any value of any size."""
    if isinstance(stored, float) and isfinite(stored):
        return stored
    is_text_list = isinstance(stored, list) and all(isinstance(item, str) for item in stored)
    if stored is None or isinstance(stored, str | int | datetime) or is_text_list:
        return cut_value(stored, MAX_TEXT_BYTES_LIMIT)
    return UNREADABLE_VALUE


def render_write_times(
    event: ReservationEvent, identity: ReservationIdentity, now: datetime, *, is_create: bool
) -> FlatDocument:
    """Return the times of writing; another application keeps most of a native reservation's."""
    timestamps: FlatDocument = {"updatedAt": now}
    if identity.system is ReservationSystem.LINEUP:
        return timestamps
    if is_create:
        timestamps["createdAt"] = now
    is_relay = event.actor is Actor.RELAY
    if is_create or not is_relay:
        timestamps["reconciliation.lastReconciledAt"] = None if is_relay else now
    return timestamps


def reservation_state_from_document(flat: Mapping[str, Any]) -> ReservationState:
    """Read the state from a flattened document.

    Raises:
        UnreadableDocumentError: The document is damaged, so nothing may be merged into it.
    """
    if flat.get("sync") is not None:  # as a map it would be flattened
        raise UnreadableDocumentError("sync is not a map")
    linked_guest = flat.get("sync.guest")
    try:
        return ReservationState(
            {
                actor: registers_from_map(stored)
                for actor in ACTOR_PRECEDENCE
                if (stored := flat.get(f"sync.{actor.lower()}")) is not None
            },
            status_history_from_maps(flat.get("statusHistory") or ()),
            None if linked_guest is None else linked_guest_from_map(linked_guest),
            guest_references_from_document(flat),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UnreadableDocumentError("sync, guests or statusHistory is malformed") from None


def registers_to_map(registers: FieldRegisters) -> dict[str, Any]:
    """Return registers as stored in ``sync``.

    Only fields older than the highest version have a version of their own in ``olderVersions``.
    OpenTable's objects are complete, so theirs is empty.
    """
    return {
        "version": registers.version and version_to_map(registers.version),
        "values": {name: current.value for name, current in registers.fields.items()},
        "olderVersions": {
            name: version_to_map(current.version)
            for name, current in registers.fields.items()
            if current.version != registers.version
        },
    }


def registers_from_map(stored: Mapping[str, Any]) -> FieldRegisters:
    """Read stored registers, in canonical form also if an earlier release stored another one."""
    version, older_versions = version_from_map(stored["version"]), stored["olderVersions"]
    fields = {}
    for name, value in field_values_from_map(stored["values"]).items():
        # A spelling, split off just now, has the version of its id.
        stored_name = name if name in stored["values"] else name.removesuffix(SPELLING_SUFFIX)
        is_older = stored_name in older_versions
        fields[name] = RegisterValue(
            version_from_map(older_versions[stored_name]) if is_older else version, value
        )
    return FieldRegisters(version, fields)


def field_values_from_map(stored: Mapping[str, Any]) -> dict[str, FieldValue]:
    """Read stored values by field name, in canonical form.

    Raises:
        TypeError: No event reports such a value.
    """
    values = canonicalize_fields(stored)
    for name, value in values.items():
        if not _is_field_value(name, value):
            raise TypeError("A field is malformed.")
    return values


def _is_field_value(name: str, value: object) -> bool:
    if value is None:
        return True
    if name == "guestKey":
        return isinstance(value, str) and is_document_id(value)
    if name == "status":
        return value in _STATUSES
    if isinstance(value, datetime):
        return is_representable_instant(value)
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int) and name != "startAt"


def status_history_from_maps(stored: Iterable[Any]) -> tuple[StatusHistoryEntry, ...]:
    """Read the stored status history, without entries in another app's format."""
    history = []
    for item in stored:
        try:
            occurred_at, event_id = item["timestamp"], item["eventId"]
            sequence_id = parse_object_event_id(event_id)
            if not isinstance(occurred_at, datetime):
                continue
            entry = StatusHistoryEntry(
                # OpenTable's times are in whole seconds.
                occurred_at if sequence_id is None else occurred_at.replace(microsecond=0),
                Actor(item["source"]),
                sequence_id or 0,
                operator.index(item.get("typeRank", 0)),  # TypeError unless it is an integer
                event_id,
                ReservationStatus(item["status"]),
            )
        except (KeyError, ValueError, TypeError, AttributeError):
            continue
        history.append(entry)
    return tuple(history)
