"""Reconciliation reports in Firestore; lists too long for one document continue beneath it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient

from shared.core.report import Entry, Report
from shared.edge import paths
from shared.edge.report_parts import CONTINUATION, LISTS, part_name
from shared.errors import LedgerUnavailableError

LARGEST_PART_BYTES = 400_000
_WRITE_SECONDS = 10.0


async def store_report(client: AsyncClient, report: Report) -> None:
    """Store a report; its counts are whole in the first document.

    Args:
        client: The process's Firestore client.
        report: The report.

    Raises:
        LedgerUnavailableError: When it could not be stored.
    """
    reference = paths.reports(client, report.restaurant_id).document(report.report_id)
    first, *rest = _parts(report)
    summary = report.summary() | first | {"parts": 1 + len(rest)}
    try:
        # The continuations first: a report that can be read is whole.
        for number, part in enumerate(rest, start=1):
            document = reference.collection(CONTINUATION).document(part_name(number))
            await document.set(part, retry=None, timeout=_WRITE_SECONDS)
        await reference.set(summary, retry=None, timeout=_WRITE_SECONDS)
    except google.GoogleAPIError as error:
        raise LedgerUnavailableError(type(error).__name__) from None


def _parts(report: Report) -> Iterator[dict[str, list[Entry]]]:
    """Yield the lists, cut so that each part fits in a document."""
    part: dict[str, list[Entry]] = {name: [] for name in LISTS}
    size = 0
    for name, entry in _entries(report):
        entry_size = len(json.dumps(entry, default=str))
        if size + entry_size > LARGEST_PART_BYTES:
            yield part
            part, size = {name: [] for name in LISTS}, 0
        part[name].append(entry)
        size += entry_size
    yield part


def _entries(report: Report) -> Iterable[tuple[str, dict[str, Any]]]:
    for name in LISTS:
        for entry in getattr(report, name):
            yield name, entry
