"""`export`: a restaurant's reservations, journal or reports as JSON Lines."""

import argparse
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from google.cloud.firestore import AsyncCollectionReference, DocumentSnapshot

from cli.console import Console
from cli.desk import OperatorClient
from cli.endings import CommandResult
from cli.exported import (
    ExportRow,
    export_journal_entry,
    export_reservation,
    to_json_values,
)
from shared.domain.privacy import is_expired
from shared.errors import InvalidSettingsError
from shared.firestore import paths
from shared.firestore.documents import read_documents
from shared.reconciliation.report_store import read_full_report

EXPORT_KINDS = ("reservations", "journal", "reports")
_PAGE_SIZE = 300


async def export(api: OperatorClient, console: Console, args: argparse.Namespace) -> CommandResult:
    """Write one kind of a restaurant's documents, a JSON object a line.

    Raises:
        InvalidSettingsError: When the file is there already, or cannot be made.
        NotConfirmedError: When the operator does not want personal data in a file.
        LedgerUnavailableError: When they cannot be read now; the file then holds a part.
    """
    if args.with_personal_data:
        console.confirm("The export will hold names, numbers, addresses, requests and notes.")
    rows = 0
    with _open_output(console, args.to) as output:
        async for row in _read_rows(api, args.kind, include_personal=args.with_personal_data):
            output.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows += 1
    console.print_step("Exported", f"{rows} {args.kind} of {api.restaurant_id}")
    return CommandResult({"rows": rows, "kind": args.kind, "file": args.to} if args.to else None)


@contextmanager
def _open_output(console: Console, file: str | None) -> Iterator[TextIO]:
    if file is None:
        yield console.out
        console.out.flush()
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidSettingsError(f"{file} cannot be made: {error.strerror}.") from None
    with os.fdopen(descriptor, "w") as output:
        yield output


def _read_rows(
    api: OperatorClient, kind: str, *, include_personal: bool
) -> AsyncIterator[ExportRow]:
    if kind == "reports":
        return _read_reports(api)
    if kind == "journal":
        return _read_journal_entries(api, include_personal=include_personal)
    return _read_reservations(api, include_personal=include_personal)


async def _read_reservations(
    api: OperatorClient, *, include_personal: bool
) -> AsyncIterator[ExportRow]:
    async for snapshot in _iterate_collection(
        paths.reservations_collection(api.app_context.firestore, api.restaurant_id)
    ):
        yield export_reservation(snapshot.to_dict() or {}, include_personal=include_personal)


async def _read_journal_entries(
    api: OperatorClient, *, include_personal: bool
) -> AsyncIterator[ExportRow]:
    reservations = paths.reservations_collection(api.app_context.firestore, api.restaurant_id)
    async for reservation in _iterate_collection(reservations, "id"):
        async for snapshot in _iterate_collection(paths.journal_collection(reservation.reference)):
            entry: dict[str, Any] = snapshot.to_dict() or {}
            if not is_expired(entry, "journalExpireAt", api.app_context.clock()):
                yield export_journal_entry(reservation.id, entry, include_personal=include_personal)


async def _read_reports(api: OperatorClient) -> AsyncIterator[ExportRow]:
    client = api.app_context.firestore
    async for snapshot in _iterate_collection(
        paths.reports_collection(client, api.restaurant_id), "reportId"
    ):
        report = await read_full_report(client, api.restaurant_id, snapshot.id)
        if report is not None:
            yield to_json_values(report)


async def _iterate_collection(
    collection: AsyncCollectionReference, *fields: str
) -> AsyncIterator[DocumentSnapshot[Any]]:
    """Yield a collection's documents by the page, so that neither memory nor a call is unbounded.

    Args:
        collection: The collection.
        fields: All that is read of each; every field where none is named.
    """
    query = (
        collection.order_by("__name__").select(fields)
        if fields
        else collection.order_by("__name__")
    )
    page = await read_documents(query, _PAGE_SIZE)
    while page:
        for snapshot in page:
            yield snapshot
        page = await read_documents(query.start_after(page[-1]), _PAGE_SIZE)
