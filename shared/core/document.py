"""What the ledger's document shows: a pure function of the statements about a reservation.

A document travels here as a flat map of dotted paths (``source.state``), the form in which
Firestore takes field-masked updates: what the bundle does not own in a document, it never
touches.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from shared.core.change import Speaker
from shared.core.joined import stored_join
from shared.core.keys import reservation_document_id
from shared.core.statements import Statements
from shared.core.states import Status
from shared.core.stored import stored_history, stored_named, stored_register
from shared.core.system import System
from shared.core.times import business_date, utc_text

UNKNOWN_DINER = "OpenTable Guest"

_ALWAYS_SHOWN = {
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
_SHOWN_ONCE_SAID = {
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
_BOOKKEEPING = ("sync.", "guests.", "statusHistory", "startAtTimestamp")

FlatDocument = dict[str, Any]


class Identity(Struct, frozen=True):
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
    system: System = System.OPENTABLE


def render(identity: Identity, statements: Statements) -> FlatDocument:
    """Return all that the bundle writes in a document but its times of writing.

    Args:
        identity: The restaurant, the reservation's key and the restaurant's zone.
        statements: Everything that was said about the reservation.
    """
    start_at = statements.shown("startAt")
    document: FlatDocument = {
        "id": reservation_document_id(identity.external_key),
        "restaurantId": identity.restaurant_id,
        "source.system": "OPENTABLE",
        "source.externalReservationId": identity.external_key,
        "dinerId": None,
        "status": status_shown(statements),
        "statusHistory": stored_history(statements.statuses),
    }
    document.update(_start(start_at, identity.zone))
    document.update(_reconciliation(statements, start_at))
    document.update(_diner(statements))
    document.update(stored_named(statements.named))
    for name, path in _ALWAYS_SHOWN.items():
        document[path] = statements.shown(name)
    for name, path in _SHOWN_ONCE_SAID.items():
        if any(name in register.fields for register in statements.registers.values()):
            document[path] = statements.shown(name)
    for speaker, register in statements.registers.items():
        document[f"sync.{speaker.lower()}"] = stored_register(register)
    return document


def _diner(statements: Statements) -> FlatDocument:
    """Return who comes: the guest that ``guestId`` leads to, else what envelopes say.

    Names are derived, never merged by time: nobody's clock can put one guest's name on
    another's reservation.
    """
    guest = statements.guest
    document: FlatDocument = {
        "dinerName": (guest and guest.diner_name) or statements.shown("dinerName"),
        "phone": (guest and guest.phone) or statements.shown("phone"),
        "email": (guest and guest.email) or statements.shown("email"),
    }
    document["dinerName"] = document["dinerName"] or UNKNOWN_DINER
    # Written also as None: a guest whom the reservation no longer names must not stay in it.
    document["sync.guest"] = guest and stored_join(guest)
    return document


def status_shown(statements: Statements) -> str:
    """Return the status that is shown.

    The default is derived, not said: it carries no version, so any word overrules it.
    """
    return str(statements.shown("status") or Status.CONFIRMED.value)


def _start(start_at: object, zone: ZoneInfo) -> FlatDocument:
    if not isinstance(start_at, datetime):
        return {"startAt": None, "startAtTimestamp": None, "localDate": None}
    return {
        "startAt": utc_text(start_at),
        "startAtTimestamp": start_at,
        "localDate": business_date(start_at, zone),
    }


def open_table_mark(statements: Statements) -> str:
    """Return a text that changes whenever OpenTable says something newer.

    A finding of reconciliation holds only while this mark is the one it was judged by.
    """
    version = statements.register(Speaker.OPENTABLE).version
    return f"{version.sequence_id}@{utc_text(version.at)}" if version else ""


def standing_divergence(statements: Statements) -> str | None:
    """Return the type of the divergence that reconciliation flagged and nothing has settled."""
    if statements.shown("divergenceMark") != open_table_mark(statements):
        return None
    divergence = statements.shown("divergence")
    return divergence if isinstance(divergence, str) else None


def _reconciliation(statements: Statements, start_at: object) -> FlatDocument:
    diverged = standing_divergence(statements) is not None
    heard = Speaker.OPENTABLE in statements.registers and start_at is not None
    return {
        "reconciliation.divergenceDetected": diverged,
        "reconciliation.reconciliationStatus": (
            "DIVERGED" if diverged else "RECONCILED" if heard else "PENDING"
        ),
    }


def flatten(document: Mapping[str, Any]) -> FlatDocument:
    """Return a stored document with its maps one level deep as dotted paths."""
    flat: FlatDocument = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            flat.update({f"{name}.{key}": inner for key, inner in value.items()})
        else:
            flat[name] = value
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted paths as nested maps, as a new document is created."""
    document: dict[str, Any] = {}
    for path, value in flat.items():
        name, dot, key = path.partition(".")
        if dot:
            document.setdefault(name, {})[key] = value
        else:
            document[name] = value
    return document


def difference(held: Mapping[str, Any], rendered: Mapping[str, Any]) -> FlatDocument:
    """Return the rendered fields that the held document lacks or shows otherwise."""
    return {
        path: value for path, value in rendered.items() if path not in held or held[path] != value
    }


def is_shown(path: str) -> bool:
    """Whether a person sees this field, as against the bundle's own bookkeeping."""
    return not path.startswith(_BOOKKEEPING)
