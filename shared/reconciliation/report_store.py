"""How a report's lists lie in Firestore: in its document, and in parts beneath it.

Reconciliation reports in Firestore; lists too long for one document continue beneath it.

Reading reconciliation reports, their continuations joined up to a bound.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from google.api_core import exceptions as google
from google.cloud.firestore import AsyncClient, AsyncQuery

from shared.domain.reconciliation.report import ReconciliationReport, ReportEntry
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import read_document, read_documents

REPORT_LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")
CONTINUATION_COLLECTION = "continued"


def format_part_id(number: int) -> str:
    """Return the document id of a report's continuation, counted from 1."""
    return f"{number:06}"


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


MAX_REPORT_PARTS = 20

_SUMMARY_FIELDS = (
    "reportId",
    "startDate",
    "endDate",
    "reconciledAt",
    "status",
    "reason",
    "openTableCount",
    "ledgerCount",
    "comparedCount",
    "unchangedCount",
    "newDivergences",
    "missedWebhooks",
    "durationMs",
    "heldReportId",
    "executedBy",
    "executedAt",
    "counts",
)


async def read_newest_report_summaries(
    client: AsyncClient, restaurant_id: str, limit: int
) -> list[dict[str, Any]]:
    """Return the newest reports without their lists, newest first.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    reports = paths.reports_collection(client, restaurant_id)
    newest_first = reports.order_by("reconciledAt", direction=AsyncQuery.DESCENDING)
    snapshots = await read_documents(newest_first.select(_SUMMARY_FIELDS), limit)
    return [snapshot.to_dict() or {} for snapshot in snapshots]


async def read_full_report(
    client: AsyncClient, restaurant_id: str, report_id: str
) -> dict[str, Any] | None:
    """Return a report with its lists joined, at most `MAX_REPORT_PARTS` parts of them.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        report_id: The report's.

    Returns:
        The report, ``complete`` telling whether its lists are whole; None where there is none.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    reference = paths.reports_collection(client, restaurant_id).document(report_id)
    report = (await read_document(reference)).to_dict()
    if report is None:
        return None
    continuation_count = int(report["parts"]) - 1
    if continuation_count:
        continuations = reference.collection(CONTINUATION_COLLECTION).order_by("__name__")
        for part in await read_documents(
            continuations, min(continuation_count, MAX_REPORT_PARTS - 1)
        ):
            for name in REPORT_LISTS:
                report[name] += part.get(name)
    return {**report, "complete": continuation_count < MAX_REPORT_PARTS}
