"""Reading reconciliation reports, their continuations joined up to a bound."""

from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery

from shared.edge import paths
from shared.edge.reading import read_one, read_some
from shared.edge.report_parts import CONTINUATION, LISTS

MOST_PARTS = 20

_SUMMARY = (
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
    "forcedFrom",
    "forcedTo",
    "forcedAt",
    "counts",
)


async def newest_summaries(
    client: AsyncClient, restaurant_id: str, most: int
) -> list[dict[str, Any]]:
    """Return the newest reports without their lists, newest first.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    reports = paths.reports(client, restaurant_id)
    newest = reports.order_by("reconciledAt", direction=AsyncQuery.DESCENDING)
    found = await read_some(newest.select(_SUMMARY), most)
    return [snapshot.to_dict() or {} for snapshot in found]


async def whole_report(
    client: AsyncClient, restaurant_id: str, report_id: str
) -> dict[str, Any] | None:
    """Return a report with its lists joined, at most `MOST_PARTS` parts of them.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        report_id: The report's.

    Returns:
        The report, ``complete`` telling whether its lists are whole; None where there is none.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    reference = paths.reports(client, restaurant_id).document(report_id)
    report = (await read_one(reference)).to_dict()
    if report is None:
        return None
    further = int(report["parts"]) - 1
    if further:
        continued = reference.collection(CONTINUATION).order_by("__name__")
        for part in await read_some(continued, min(further, MOST_PARTS - 1)):
            for name in LISTS:
                report[name] += part.get(name)
    return {**report, "complete": further < MOST_PARTS}
