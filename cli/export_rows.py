"""What an export contains of each document.

Without a confirmed option, an export has no personal data. Only listed fields are exported: new
fields and those of other apps stay out.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from shared.domain.ledger.document import flatten_document
from shared.domain.ledger.fields import RESERVATION_FIELDS, PersonalData

_RESERVATION_FIELDS = (
    *("id", "restaurantId", "source.system", "source.externalReservationId"),
    *(field.path for field in RESERVATION_FIELDS if field.personal_data is PersonalData.NONE),
    *("localDate", "statusHistory", "createdAt", "updatedAt"),
    "reconciliation.reconciliationStatus",
    "reconciliation.divergenceDetected",
    "reconciliation.lastReconciledAt",
)
_STATUS_HISTORY_FIELDS = ("status", "timestamp", "source", "eventId")
_JOURNAL_FIELDS = (
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
_GUEST_FIELDS = ("guestKey", "version", "survivor", "survivorId", "forgottenAt")
_QUARANTINE_FIELDS = (
    "reason",
    "detail",
    "receivedAt",
    "lastSeenAt",
    "count",
    "contentType",
    "status",
    "settledBy",
    "settledAt",
    "dismissReason",
    "outcome",
    "reservationId",
    "eventId",
)

ExportRow: TypeAlias = dict[str, Any]


def export_reservation(document: Mapping[str, Any], *, include_personal: bool) -> ExportRow:
    """Return the exported fields of a reservation, without the internal state `sync`."""
    if include_personal:
        return _to_json({name: value for name, value in document.items() if name != "sync"})
    flat = flatten_document(document)
    exported: ExportRow = {}
    for path in _RESERVATION_FIELDS:
        if path not in flat:
            continue
        value = flat[path]
        if path == "statusHistory" and isinstance(value, list):
            # An entry's note may be about a person.
            value = [_select_fields(item, _STATUS_HISTORY_FIELDS) for item in value]
        *parents, name = path.split(".")
        parent = exported
        for parent_name in parents:
            parent = parent.setdefault(parent_name, {})
        parent[name] = value
    return _to_json(exported)


def export_journal_entry(
    reservation_id: str, entry: Mapping[str, Any], *, include_personal: bool
) -> ExportRow:
    """Return the exported fields of a journal entry."""
    if include_personal:
        return _to_json({"reservationId": reservation_id, **entry})
    changes = _select_fields(entry.get("changes"), _RESERVATION_FIELDS)
    exported = _select_fields(entry, _JOURNAL_FIELDS)
    return _to_json({"reservationId": reservation_id, **exported, "changes": changes})


def export_guest(guest: Mapping[str, Any], *, include_personal: bool) -> ExportRow:
    """Return the exported fields of a guest."""
    return _to_json(guest if include_personal else _select_fields(guest, _GUEST_FIELDS))


def export_quarantine_item(
    item_id: str, item: Mapping[str, Any], *, include_personal: bool
) -> ExportRow:
    """Return the exported fields of a quarantined event."""
    fields = item if include_personal else _select_fields(item, _QUARANTINE_FIELDS)
    return _to_json({"id": item_id, **fields})


def export_report(report: Mapping[str, Any]) -> ExportRow:
    """Return a report, which has no personal data."""
    return _to_json(report)


def _select_fields(fields: object, names: tuple[str, ...]) -> ExportRow:
    stored = fields if isinstance(fields, Mapping) else {}
    return {name: stored[name] for name in names if name in stored}


def _to_json(document: Mapping[str, Any]) -> ExportRow:
    """Return a document as JSON can represent it; times become ISO 8601 in UTC."""
    return {name: _to_json_value(value) for name, value in document.items()}


def _to_json_value(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return _to_json(value)
    if isinstance(value, list):
        return [_to_json_value(item) for item in value]
    return value
