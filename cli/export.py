"""The command `export`: a restaurant's documents as JSON Lines, in a file or on stdout.

A file is written as `FILE.part` and gets its name when it is complete. `FILE.part.json` contains
the position after the last page, so that the same command continues an interrupted export.

Without a confirmed option, an export has no personal data. Only listed fields are exported: new
fields and those of other apps stay out.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import click
from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot
from msgspec import Struct

from cli.api import OperatorClient
from cli.command import Moment, restaurant_command
from cli.output import (
    STANDARD_STREAM,
    CommandError,
    CommandResult,
    Console,
    get_partial_path,
    open_partial_file,
)
from shared.domain.ledger.fields import RESERVATION_FIELDS, PersonalData
from shared.domain.privacy import is_expired
from shared.domain.validation import flatten_document, replace_unreadable_values
from shared.firestore import paths
from shared.firestore.documents import count_documents, read_documents
from shared.reconciliation.report_store import read_full_report

_PAGE_SIZE = 300
# Kind: the time that --since compares.
_TIME_FIELDS = {
    "reservations": "updatedAt",
    "journal": "receivedAt",
    "guests": "version.at",
    "quarantine": "lastSeenAt",
    "reports": "reconciledAt",
}
_EXPIRY_FIELDS = {"journal": "journalExpireAt", "quarantine": "quarantineExpireAt"}

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
    "authentication",
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
    "resolvedBy",
    "resolvedAt",
    "dismissReason",
    "outcome",
    "reservationId",
    "eventId",
)

ExportRow: TypeAlias = dict[str, Any]


class ExportOptions(Struct, frozen=True):
    """What is exported."""

    restaurant_id: str
    kind: str
    include_personal: bool
    since: datetime | None

    def build_query(self, client: AsyncClient) -> AsyncQuery:
        """Return the query for all documents of the kind, by name."""
        if self.kind == "journal":
            # One query for the journals of all reservations. By name it needs no index, and reads
            # nothing of other restaurants.
            journals = client.collection(
                "restaurants", self.restaurant_id, paths.JOURNAL_COLLECTION
            )
            return AsyncQuery(journals, all_descendants=True).order_by("__name__")
        collection = {
            "reservations": paths.reservations_collection,
            "guests": paths.guests_collection,
            "quarantine": paths.quarantine_collection,
            "reports": paths.reports_collection,
        }[self.kind](client, self.restaurant_id)
        return collection.order_by("__name__")

    def includes(self, document: Mapping[str, Any], now: datetime) -> bool:
        """Whether a document is new enough and has not expired."""
        # Firestore deletes expired documents with a delay.
        expiry_field = _EXPIRY_FIELDS.get(self.kind)
        if expiry_field is not None and is_expired(document, expiry_field, now):
            return False
        if self.since is None:
            return True
        changed_at: object = document
        for name in _TIME_FIELDS[self.kind].split("."):
            changed_at = changed_at.get(name) if isinstance(changed_at, Mapping) else None
        return isinstance(changed_at, datetime) and changed_at >= self.since


@restaurant_command(
    "export",
    examples=[
        "ledger export restaurant-123 reservations --to reservations.jsonl",
        "ledger export restaurant-123 journal --since 2026-11-01 | jq .eventId",
    ],
)
@click.argument(
    "kind",
    type=click.Choice(list(_TIME_FIELDS)),
    metavar="KIND",
    help=f"What to export: {', '.join(_TIME_FIELDS)}.",
)
@click.option(
    "--to", metavar="FILE", default=STANDARD_STREAM, help="A new file. Default: standard output."
)
@click.option(
    "--since",
    type=Moment("2026-11-01", "2026-11-01T12:00:00Z", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    metavar="TIME",
    help="Only documents changed since this time, UTC: 2026-11-01 or 2026-11-01T12:00:00Z.",
)
@click.option(
    "--with-personal-data",
    "include_personal",
    is_flag=True,
    help="Also export names, phone numbers, e-mail addresses, requests and notes.",
)
async def export(
    api: OperatorClient,
    console: Console,
    *,
    kind: str,
    to: str,
    since: datetime | None,
    include_personal: bool,
) -> CommandResult:
    """Export a restaurant's documents as JSON Lines.

    Each line is one JSON object; times are in UTC. Names, contact data, requests and notes are left
    out unless --with-personal-data is given. An interrupted export to a file continues where it
    stopped, with the same command.
    """
    since = since and since.replace(tzinfo=UTC)
    options = ExportOptions(api.restaurant_id, kind, include_personal, since)
    if include_personal:
        console.confirm("The export will contain names, contact data, requests and notes.")
    if to == STANDARD_STREAM:
        row_count = await _write_rows(api, console, options, console.out, None)
        console.print_step("Exported", f"{row_count} {kind} of {api.restaurant_id}")
        return CommandResult(None)
    progress = _Progress(to, options)
    with progress.open_part() as output:
        if progress.row_count:
            console.print_step("Continued", f"after {progress.row_count} {kind}")
        row_count = await _write_rows(api, console, options, output, progress)
    get_partial_path(to).rename(to)
    progress.remove()
    console.print_step("Exported", f"{row_count} {kind} of {api.restaurant_id} to {to}")
    return CommandResult({"rows": row_count, "kind": kind, "file": to})


class _Progress:
    """The position in `FILE.part`, stored in `FILE.part.json`."""

    def __init__(self, file: str, options: ExportOptions) -> None:
        self._file = file
        self._part = get_partial_path(file)
        self._path = Path(f"{self._part}.json")
        self._options = {
            "restaurant": options.restaurant_id,
            "kind": options.kind,
            "personal": options.include_personal,
            "since": options.since and options.since.isoformat(),
        }
        self.last_document: str | None = None
        self.row_count = 0
        self.size_bytes = 0

    def open_part(self) -> TextIO:
        """Open `FILE.part`: at the stored position if there is one, else empty."""
        if Path(self._file).exists() or not self._load():
            return open_partial_file(self._file)
        os.truncate(self._part, self.size_bytes)  # a page may have been written in part
        return self._part.open("a", encoding="utf-8")

    def _load(self) -> bool:
        """Read the position of an interrupted export; return whether there is one."""
        try:
            stored = json.loads(self._path.read_text())
            options, last_document = stored["options"], str(stored["lastDocument"])
            row_count, size_bytes = int(stored["rows"]), int(stored["bytes"])
            # Without these bytes the rows before the position would be missing in the export.
            is_complete = self._part.stat().st_size >= size_bytes
        except (OSError, ValueError, KeyError, TypeError):  # missing or damaged: start again
            return False
        if not is_complete:
            return False
        if options != self._options:
            raise CommandError(
                f"{self._part} belongs to an export with other options: "
                f"delete it and {self._path}, or name another file."
            )
        self.last_document, self.row_count, self.size_bytes = last_document, row_count, size_bytes
        return True

    def save(self, last_document: str, row_count: int, size_bytes: int) -> None:
        """Store the position after a page."""
        self.last_document, self.row_count, self.size_bytes = last_document, row_count, size_bytes
        position = {
            "options": self._options,
            "lastDocument": last_document,
            "rows": row_count,
            "bytes": size_bytes,
        }
        # Renamed, so that an interruption leaves the old position or the new one.
        new_path = self._path.with_suffix(".new")
        new_path.write_text(json.dumps(position))
        new_path.replace(self._path)

    def remove(self) -> None:
        """Forget the position: the export is complete."""
        self._path.unlink(missing_ok=True)


async def _write_rows(
    api: OperatorClient,
    console: Console,
    options: ExportOptions,
    output: TextIO,
    progress: _Progress | None,
) -> int:
    """Write all rows after the stored position; return the number of rows of the file."""
    client = api.app_context.firestore
    query = page_query = options.build_query(client)
    row_count = progress.row_count if progress else 0
    if progress and progress.last_document:
        page_query = query.start_after({"__name__": client.document(progress.last_document)})
    with click.progressbar(
        length=await count_documents(query) if console.errors.isatty() else 0,
        label=options.kind.capitalize(),
        file=console.errors,
        hidden=not console.errors.isatty(),
    ) as bar:
        bar.update(row_count)
        # Page by page: this bounds the memory and the time of each call.
        while page := await read_documents(page_query, _PAGE_SIZE):
            for snapshot in page:
                row = await _build_row(api, options, snapshot)
                if row is not None:
                    output.write(json.dumps(row, ensure_ascii=False) + "\n")
                    row_count += 1
            output.flush()  # a closed pipe must fail here, not when the interpreter exits
            last_reference = page[-1].reference
            if progress is not None:
                progress.save(last_reference.path, row_count, os.fstat(output.fileno()).st_size)
            page_query = query.start_after({"__name__": last_reference})
            bar.update(len(page))
    return row_count


async def _build_row(
    api: OperatorClient, options: ExportOptions, snapshot: DocumentSnapshot[Any]
) -> ExportRow | None:
    """Return the exported row of a document, None if it is left out."""
    document: dict[str, Any] = snapshot.to_dict() or {}
    if not options.includes(document, api.app_context.clock()):
        return None
    include_personal, kind = options.include_personal, options.kind
    if kind == "reservations":
        return export_reservation(document, include_personal=include_personal)
    if kind == "journal":
        reservation_id = snapshot.reference.parent.parent.id
        return export_journal_entry(reservation_id, document, include_personal=include_personal)
    if kind == "guests":
        return export_guest(document, include_personal=include_personal)
    if kind == "quarantine":
        return export_quarantine_item(snapshot.id, document, include_personal=include_personal)
    # None if the report was deleted after the page was read.
    report = await read_full_report(api.app_context.firestore, api.restaurant_id, snapshot.id)
    return None if report is None else export_report(report)


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
    return replace_unreadable_values(value)
