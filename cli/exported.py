"""What an export tells of a document: by default nothing of a person; pure.

Fails closed: what is not known to be impersonal is left out, another app's fields included.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.domain.ledger.document import flatten_document
from shared.domain.ledger.fields import RESERVATION_FIELDS, PersonalData

ExportRow = dict[str, Any]

_STATUS_HISTORY_FIELDS = ("status", "timestamp", "source", "eventId")
_RESERVATION_FIELDS = (
    *("id", "restaurantId", "source.system", "source.externalReservationId"),
    *(field.path for field in RESERVATION_FIELDS if field.personal_data is PersonalData.NONE),
    *("localDate", "statusHistory", "createdAt", "updatedAt"),
    "reconciliation.reconciliationStatus",
    "reconciliation.divergenceDetected",
    "reconciliation.lastReconciledAt",
)
_ENTRY_FIELDS = (
    "restaurantId",
    "eventId",
    "eventType",
    "source",
    "actor",
    "occurredAt",
    "sequenceId",
    "receivedAt",
    "outcome",
    "proof",
)


def export_reservation(document: Mapping[str, Any], *, include_personal: bool) -> ExportRow:
    """Return a reservation for an export; ``sync``, which is bookkeeping, is always left out.

    Args:
        document: As stored.
        include_personal: Whether names, numbers, addresses, requests and notes are wanted.
    """
    if include_personal:
        fields = {name: value for name, value in document.items() if name != "sync"}
        return to_json_values(fields)
    flat = flatten_document(document)
    exported = {path: flat[path] for path in _RESERVATION_FIELDS if path in flat}
    if isinstance(exported.get("statusHistory"), list):
        exported["statusHistory"] = list(map(_export_status_change, exported["statusHistory"]))
    return to_json_values(nest_exported_fields(exported))


def export_journal_entry(
    reservation_id: str, entry: Mapping[str, Any], *, include_personal: bool
) -> ExportRow:
    """Return a journal entry for an export.

    Args:
        reservation_id: The reservation's document.
        entry: As stored.
        include_personal: Whether what was said and how it came is wanted too.
    """
    if include_personal:
        return to_json_values({"reservationId": reservation_id, **entry})
    changes = entry.get("changes") or {}
    exported_changes = {
        path: change for path, change in changes.items() if path in _RESERVATION_FIELDS
    }
    exported = {name: entry[name] for name in _ENTRY_FIELDS if name in entry}
    return to_json_values(
        {"reservationId": reservation_id, **exported, "changes": exported_changes}
    )


def nest_exported_fields(flat: Mapping[str, Any]) -> ExportRow:
    """Return a map of dotted paths as the maps within maps that they stand for."""
    result: ExportRow = {}
    for path, value in flat.items():
        *parents, name = path.split(".")
        parent_map = result
        for parent in parents:
            parent_map = parent_map.setdefault(parent, {})
        parent_map[name] = value
    return result


def _export_status_change(item: object) -> ExportRow:
    fields = item if isinstance(item, Mapping) else {}
    return {name: fields[name] for name in _STATUS_HISTORY_FIELDS if name in fields}


def to_json_values(document: Mapping[str, Any]) -> ExportRow:
    """Return a document as JSON can hold it; times are ISO 8601 in UTC."""
    return {name: _to_json_value(value) for name, value in document.items()}


def _to_json_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return to_json_values(value)
    if isinstance(value, list):
        return [_to_json_value(item) for item in value]
    return value
