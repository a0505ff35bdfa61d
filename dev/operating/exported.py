"""What an export tells of a document: by default nothing of a person; pure.

Fails closed: what is not known to be impersonal is left out, another app's fields included.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.core.document import flatten

Row = dict[str, Any]

_STATEMENT = ("status", "timestamp", "source", "eventId")
_RESERVATION = (
    "id",
    "restaurantId",
    "source.system",
    "source.externalReservationId",
    "source.openTableId",
    "source.confirmationId",
    "source.guestId",
    "source.state",
    "startAt",
    "localDate",
    "partySize",
    "bookedAt",
    "arrivedAt",
    "seatedAt",
    "completedAt",
    "status",
    "statusHistory",
    "metadata.tableNumbers",
    "metadata.tableCategory",
    "metadata.origin",
    "metadata.restaurantName",
    "metadata.startAtNote",
    "reconciliation.reconciliationStatus",
    "reconciliation.divergenceDetected",
    "reconciliation.lastReconciledAt",
    "createdAt",
    "updatedAt",
)
_ENTRY = (
    "restaurantId",
    "eventId",
    "eventType",
    "source",
    "speaker",
    "occurredAt",
    "sequenceId",
    "receivedAt",
    "outcome",
    "proof",
)


def reservation_row(document: Mapping[str, Any], *, personal: bool) -> Row:
    """Return a reservation for an export; ``sync``, which is bookkeeping, is always left out.

    Args:
        document: As stored.
        personal: Whether names, numbers, addresses, requests and notes are wanted.
    """
    if personal:
        whole = {name: value for name, value in document.items() if name != "sync"}
        return plain(whole)
    flat = flatten(document)
    kept = {path: flat[path] for path in _RESERVATION if path in flat}
    if isinstance(kept.get("statusHistory"), list):
        kept["statusHistory"] = list(map(_statement, kept["statusHistory"]))
    return plain(nested(kept))


def entry_row(reservation_id: str, entry: Mapping[str, Any], *, personal: bool) -> Row:
    """Return a journal entry for an export.

    Args:
        reservation_id: The reservation's document.
        entry: As stored.
        personal: Whether what was said and how it came is wanted too.
    """
    if personal:
        return plain({"reservationId": reservation_id, **entry})
    changes = entry.get("changes") or {}
    told = {path: moved for path, moved in changes.items() if path in _RESERVATION}
    kept = {name: entry[name] for name in _ENTRY if name in entry}
    return plain({"reservationId": reservation_id, **kept, "changes": told})


def nested(flat: Mapping[str, Any]) -> Row:
    """Return a map of dotted paths as the maps within maps that they stand for."""
    whole: Row = {}
    for path, value in flat.items():
        *parents, name = path.split(".")
        place = whole
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = value
    return whole


def _statement(item: object) -> Row:
    known = item if isinstance(item, Mapping) else {}
    return {name: known[name] for name in _STATEMENT if name in known}


def plain(document: Mapping[str, Any]) -> Row:
    """Return a document as JSON can hold it; times are ISO 8601 in UTC."""
    return {name: _plain(value) for name, value in document.items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
