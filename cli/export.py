"""The command `export`: reservations, journal entries or reports as JSON Lines.

Without a confirmed option, an export has no personal data. Only listed fields are exported: new
fields and those of other apps stay out.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, TypeAlias

import click
from google.cloud.firestore import AsyncCollectionReference, DocumentSnapshot

from cli.api import OperatorClient
from cli.command import STANDARD_STREAM, restaurant_command
from cli.output import CommandResult, Console, open_new_file
from shared.domain.ledger.document import flatten_document
from shared.domain.ledger.fields import RESERVATION_FIELDS, PersonalData
from shared.domain.privacy import is_expired
from shared.firestore import paths
from shared.firestore.documents import read_documents
from shared.reconciliation.report_store import read_full_report

_PAGE_SIZE = 300
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

ExportRow: TypeAlias = dict[str, Any]


@restaurant_command(
    "export",
    examples=[
        "ledger export restaurant-123 reservations --to reservations.jsonl",
        "ledger export restaurant-123 journal | jq .eventId",
    ],
)
@click.argument("kind", type=click.Choice(["reservations", "journal", "reports"]))
@click.option(
    "--to", metavar="FILE", default=STANDARD_STREAM, help="A new file. Default: standard output."
)
@click.option(
    "--with-personal-data",
    "include_personal",
    is_flag=True,
    help="Also export names, phone numbers, e-mail addresses, requests and notes.",
)
async def export(
    api: OperatorClient, console: Console, *, kind: str, to: str, include_personal: bool
) -> CommandResult:
    """Export reservations, journal entries or reports as JSON Lines.

    Each line is one JSON object; times are in UTC. Names, contact data, requests and notes are left
    out unless --with-personal-data is given.
    """
    if include_personal:
        console.confirm("The export will contain names, contact data, requests and notes.")
    row_count = 0
    with nullcontext(console.out) if to == STANDARD_STREAM else open_new_file(to) as output:
        async for row in _read_rows(api, kind, include_personal=include_personal):
            output.write(json.dumps(row, ensure_ascii=False) + "\n")
            row_count += 1
        output.flush()  # a closed pipe must fail here, not when the interpreter exits
    console.print_step("Exported", f"{row_count} {kind} of {api.restaurant_id}")
    if to == STANDARD_STREAM:
        return CommandResult(None)
    return CommandResult({"rows": row_count, "kind": kind, "file": to})


async def _read_rows(
    api: OperatorClient, kind: str, *, include_personal: bool
) -> AsyncIterator[ExportRow]:
    client, now = api.app_context.firestore, api.app_context.clock()
    if kind == "reports":
        reports = paths.reports_collection(client, api.restaurant_id)
        async for snapshot in _iterate_collection(reports, "reportId"):
            report = await read_full_report(client, api.restaurant_id, snapshot.id)
            if report is not None:
                yield _to_json(report)
        return
    reservations = paths.reservations_collection(client, api.restaurant_id)
    if kind == "reservations":
        async for snapshot in _iterate_collection(reservations):
            yield export_reservation(snapshot.to_dict() or {}, include_personal=include_personal)
        return
    # Not a collection group query: it would need an index, and read the other restaurants.
    async for reservation in _iterate_collection(reservations, "id"):
        async for snapshot in _iterate_collection(paths.journal_collection(reservation.reference)):
            entry: dict[str, Any] = snapshot.to_dict() or {}
            # Firestore deletes expired entries with a delay.
            if not is_expired(entry, "journalExpireAt", now):
                yield export_journal_entry(reservation.id, entry, include_personal=include_personal)


async def _iterate_collection(
    collection: AsyncCollectionReference, *fields: str
) -> AsyncIterator[DocumentSnapshot[Any]]:
    """Yield the documents page by page, to bound memory and the time of each call.

    Reads only the given fields; all fields if none is given.
    """
    query = collection.order_by("__name__")
    if fields:
        query = query.select(fields)
    page = await read_documents(query, _PAGE_SIZE)
    while page:
        for snapshot in page:
            yield snapshot
        page = await read_documents(query.start_after(page[-1]), _PAGE_SIZE)


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
