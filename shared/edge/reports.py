"""Reconciliation reports in Firestore; lists too long for one document continue beneath it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient

from shared.core.report import ReconciliationReport, ReportEntry
from shared.edge import paths
from shared.edge.report_parts import CONTINUATION_COLLECTION, REPORT_LISTS, format_part_id
from shared.errors import ServiceUnavailableError

MAX_PART_BYTES = 400_000
_WRITE_TIMEOUT_SECONDS = 10.0


async def store_report(client: AsyncClient, report: ReconciliationReport) -> None:
    """Store a report; its counts are whole in the first document.

    Args:
        client: The process's Firestore client.
        report: The report.

    Raises:
        LedgerUnavailableError: When it could not be stored.
    """
    reference = paths.reports_collection(client, report.restaurant_id).document(report.report_id)
    first_part, *other_parts = _split_into_parts(report)
    summary = report.to_summary_map() | first_part | {"parts": 1 + len(other_parts)}
    try:
        # The continuations first: a report that can be read is whole.
        for number, part in enumerate(other_parts, start=1):
            document = reference.collection(CONTINUATION_COLLECTION).document(
                format_part_id(number)
            )
            await document.set(part, retry=None, timeout=_WRITE_TIMEOUT_SECONDS)
        await reference.set(summary, retry=None, timeout=_WRITE_TIMEOUT_SECONDS)
    except google.GoogleAPIError as error:
        raise ServiceUnavailableError(type(error).__name__) from None


def _split_into_parts(report: ReconciliationReport) -> Iterator[dict[str, list[ReportEntry]]]:
    """Yield the lists, cut so that each part fits in a document."""
    part: dict[str, list[ReportEntry]] = {name: [] for name in REPORT_LISTS}
    size = 0
    for name, entry in _iterate_entries(report):
        entry_size = len(json.dumps(entry, default=str))
        if size + entry_size > MAX_PART_BYTES:
            yield part
            part, size = {name: [] for name in REPORT_LISTS}, 0
        part[name].append(entry)
        size += entry_size
    yield part


def _iterate_entries(report: ReconciliationReport) -> Iterable[tuple[str, dict[str, Any]]]:
    for name in REPORT_LISTS:
        for entry in getattr(report, name):
            yield name, entry
