"""`export`: a restaurant's reservations, journal or reports as JSON Lines."""

import argparse
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from google.cloud.firestore import AsyncCollectionReference, DocumentSnapshot

from dev.operating.console import Console
from dev.operating.desk import Desk
from dev.operating.endings import Ending
from dev.operating.exported import Row, entry_row, plain, reservation_row
from shared.core.retention import is_gone
from shared.edge import paths
from shared.edge.reading import read_some
from shared.edge.staff.reports import whole_report
from shared.errors import InvalidSettingsError

KINDS = ("reservations", "journal", "reports")
_PAGE = 300


async def export(desk: Desk, console: Console, said: argparse.Namespace) -> Ending:
    """Write one kind of a restaurant's documents, a JSON object a line.

    Raises:
        InvalidSettingsError: When the file is there already, or cannot be made.
        NotConfirmedError: When the operator does not want personal data in a file.
        LedgerUnavailableError: When they cannot be read now; the file then holds a part.
    """
    if said.with_personal_data:
        console.confirm("The export will hold names, numbers, addresses, requests and notes.")
    rows = 0
    with _opened(console, said.to) as out:
        async for row in _rows(desk, said.kind, personal=said.with_personal_data):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows += 1
    console.done("Exported", f"{rows} {said.kind} of {desk.restaurant_id}")
    return Ending({"rows": rows, "kind": said.kind, "file": said.to} if said.to else None)


@contextmanager
def _opened(console: Console, file: str | None) -> Iterator[TextIO]:
    if file is None:
        yield console.out
        console.out.flush()
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidSettingsError(f"{file} cannot be made: {error.strerror}.") from None
    with os.fdopen(descriptor, "w") as out:
        yield out


def _rows(desk: Desk, kind: str, *, personal: bool) -> AsyncIterator[Row]:
    if kind == "reports":
        return _reports(desk)
    if kind == "journal":
        return _entries(desk, personal=personal)
    return _reservations(desk, personal=personal)


async def _reservations(desk: Desk, *, personal: bool) -> AsyncIterator[Row]:
    async for found in _all(paths.reservations(desk.services.firestore, desk.restaurant_id)):
        yield reservation_row(found.to_dict() or {}, personal=personal)


async def _entries(desk: Desk, *, personal: bool) -> AsyncIterator[Row]:
    reservations = paths.reservations(desk.services.firestore, desk.restaurant_id)
    async for reservation in _all(reservations, "id"):
        async for found in _all(paths.journal(reservation.reference)):
            entry: dict[str, Any] = found.to_dict() or {}
            if not is_gone(entry, "journalExpireAt", desk.services.clock()):
                yield entry_row(reservation.id, entry, personal=personal)


async def _reports(desk: Desk) -> AsyncIterator[Row]:
    client = desk.services.firestore
    async for found in _all(paths.reports(client, desk.restaurant_id), "reportId"):
        report = await whole_report(client, desk.restaurant_id, found.id)
        if report is not None:
            yield plain(report)


async def _all(
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
    page = await read_some(query, _PAGE)
    while page:
        for found in page:
            yield found
        page = await read_some(query.start_after(page[-1]), _PAGE)
