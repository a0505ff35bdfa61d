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
import msgspec
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
_EXPORTED_FIELDS = {
    "journal": (
        *("restaurantId", "eventId", "eventType", "source", "actor", "occurredAt", "sequenceId"),
        *("receivedAt", "outcome", "authentication"),
    ),
    "guests": ("guestKey", "version", "survivor", "survivorId", "forgottenAt"),
    "quarantine": (
        *("reason", "detail", "receivedAt", "lastSeenAt", "count", "contentType", "status"),
        *("resolvedBy", "resolvedAt", "dismissReason", "outcome", "reservationId", "eventId"),
    ),
}

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
        if progress.position and progress.position.rows:
            console.print_step("Continued", f"after {progress.position.rows} {kind}")
        row_count = await _write_rows(api, console, options, output, progress)
    get_partial_path(to).rename(to)
    progress.remove()
    console.print_step("Exported", f"{row_count} {kind} of {api.restaurant_id} to {to}")
    return CommandResult({"rows": row_count, "kind": kind, "file": to})


class _Position(Struct, frozen=True, rename="camel"):
    """Where an interrupted export continues: after a document, and after so many rows and bytes."""

    options: dict[str, Any]
    last_document: str
    rows: int
    bytes: int


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
        self.position: _Position | None = None

    def open_part(self) -> TextIO:
        """Open `FILE.part`: at the stored position if there is one, else empty."""
        self.position = None if Path(self._file).exists() else self._read_position()
        if self.position is None:
            return open_partial_file(self._file)
        os.truncate(self._part, self.position.bytes)  # a page may have been written in part
        return self._part.open("a", encoding="utf-8")

    def _read_position(self) -> _Position | None:
        """Return the position of an interrupted export, None if there is none to continue from."""
        try:
            position = msgspec.json.decode(self._path.read_bytes(), type=_Position)
            part_bytes = self._part.stat().st_size
        except (OSError, msgspec.DecodeError):  # missing or damaged: start again
            return None
        # Without these bytes the rows before the position would be missing in the export.
        if part_bytes < position.bytes:
            return None
        if position.options != self._options:
            raise CommandError(
                f"{self._part} belongs to an export with other options: "
                f"delete it and {self._path}, or name another file."
            )
        return position

    def save(self, last_document: str, row_count: int, size_bytes: int) -> None:
        """Store the position after a page."""
        position = _Position(self._options, last_document, row_count, size_bytes)
        # Renamed, so that an interruption leaves the old position or the new one.
        new_path = self._path.with_suffix(".new")
        new_path.write_bytes(msgspec.json.encode(position))
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
    position = progress and progress.position
    row_count = position.rows if position else 0
    if position:
        page_query = query.start_after({"__name__": client.document(position.last_document)})
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
                    output.write(_format_row(row) + "\n")
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
    document: ExportRow = snapshot.to_dict() or {}
    if not options.includes(document, api.app_context.clock()):
        return None
    if options.kind == "reports":
        # None if the report was deleted after the page was read.
        return await read_full_report(api.app_context.firestore, api.restaurant_id, snapshot.id)
    row = select_fields(options.kind, document, include_personal=options.include_personal)
    if options.kind == "journal":
        return {"reservationId": snapshot.reference.parent.parent.id, **row}
    return {"id": snapshot.id, **row} if options.kind == "quarantine" else row


def select_fields(kind: str, document: ExportRow, *, include_personal: bool) -> ExportRow:
    """Return the exported fields of a document; never a reservation's internal state `sync`."""
    if include_personal:
        return {name: value for name, value in document.items() if name != "sync"}
    if kind == "reservations":
        return _select_reservation_fields(document)
    exported = _select(document, _EXPORTED_FIELDS[kind])
    if kind == "journal":
        exported["changes"] = _select(document.get("changes"), _RESERVATION_FIELDS)
    return exported


def _select_reservation_fields(document: ExportRow) -> ExportRow:
    fields = _select(flatten_document(document), _RESERVATION_FIELDS)
    if isinstance(history := fields.get("statusHistory"), list):
        # An entry's note may be about a person.
        fields["statusHistory"] = [_select(item, _STATUS_HISTORY_FIELDS) for item in history]
    exported: ExportRow = {}
    for path, value in fields.items():
        *parents, name = path.split(".")
        parent = exported
        for parent_name in parents:
            parent = parent.setdefault(parent_name, {})
        parent[name] = value
    return exported


def _select(fields: object, names: tuple[str, ...]) -> ExportRow:
    stored = fields if isinstance(fields, Mapping) else {}
    return {name: stored[name] for name in names if name in stored}


def _format_row(row: ExportRow) -> str:
    """Return a row as JSON; times become ISO 8601 in UTC."""

    def format_time(value: datetime) -> str:
        return value.astimezone(UTC).isoformat()

    return json.dumps(replace_unreadable_values(row), ensure_ascii=False, default=format_time)
