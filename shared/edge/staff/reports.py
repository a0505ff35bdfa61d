"""Reading reconciliation reports, their continuations joined up to a bound."""

from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery

from shared.edge import paths
from shared.edge.reading import read_document, read_documents
from shared.edge.report_parts import CONTINUATION_COLLECTION, REPORT_LISTS

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
