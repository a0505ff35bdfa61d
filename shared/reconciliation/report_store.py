"""Store and read reconciliation reports.

A report's document has all counts. Lists too long for one document continue in documents below it.
"""

import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference, DocumentSnapshot, Increment

from shared.concurrency import batched
from shared.domain.ledger.divergence import DivergenceType
from shared.domain.normalization.identifiers import is_document_id
from shared.domain.reconciliation.held_plan import PlannedCorrection, planned_correction_from_map
from shared.domain.reconciliation.report import ReconciliationReport, ReportEntry
from shared.domain.validation import read_map
from shared.errors import UnreadableDocumentError
from shared.firestore import paths
from shared.firestore.documents import (
    LARGE_WRITE_TIMEOUT_SECONDS,
    WRITE_TIMEOUT_SECONDS,
    order_newest_first,
    read_document,
    read_documents,
    translate_firestore_errors,
    update_document,
)
from shared.log import log_unreadable_document

REPORT_LISTS = ("created", "updated", "cancelled", "divergences", "missing", "skipped")
MAX_PART_BYTES = 400_000
MAX_REPORT_PARTS = 20
MAX_ITEMS_PER_BATCH = 50
# The health shows the newest of these that changed the ledger.
MAX_RECENT_REPORTS = 3
_PLANNED_LISTS = ("created", "updated", "cancelled", "missing")

_SUMMARY_FIELDS = (
    "startDate",
    "endDate",
    "reconciledAt",
    "status",
    "reason",
    "failure",
    "openTableCount",
    "ledgerCount",
    "comparedCount",
    "unchangedCount",
    "newDivergences",
    "reviewedCount",
    "missedWebhooks",
    "durationMs",
    "heldReportId",
    "executedBy",
    "executedAt",
    "counts",
)


async def store_report(
    client: AsyncClient, report: ReconciliationReport, retention: timedelta
) -> None:
    """Store a report, in several documents if its lists are long."""
    reference = paths.reports_collection(client, report.restaurant_id).document(report.report_id)
    first_part, *other_parts = _split_into_parts(report)
    expiry = {"reportExpireAt": report.reconciled_at + retention}
    summary = report.to_summary_map() | first_part | {"parts": 1 + len(other_parts)} | expiry
    with translate_firestore_errors():
        # Write the first document last, so that every report found by its id is complete.
        for number, part in enumerate(other_parts, start=1):
            document = _part_document(reference, number)
            await document.set(part | expiry, retry=None, timeout=LARGE_WRITE_TIMEOUT_SECONDS)
        await reference.set(summary, retry=None, timeout=LARGE_WRITE_TIMEOUT_SECONDS)


def _split_into_parts(report: ReconciliationReport) -> Iterator[dict[str, list[ReportEntry]]]:
    """Yield the report's lists in parts of at most `MAX_PART_BYTES` of JSON."""
    part: dict[str, list[ReportEntry]] = {name: [] for name in REPORT_LISTS}
    part_bytes = 0
    for name in REPORT_LISTS:
        for entry in getattr(report, name):
            entry_bytes = len(json.dumps(entry, default=str))
            # JSON is a good estimate: Firestore limits its own encoding to 1 MiB.
            if part_bytes + entry_bytes > MAX_PART_BYTES:
                yield part
                part, part_bytes = {name: [] for name in REPORT_LISTS}, 0
            part[name].append(entry)
            part_bytes += entry_bytes
    yield part


def _part_document(report: AsyncDocumentReference, number: int) -> AsyncDocumentReference:
    """Return the document of a further part, counted from 1; its ids sort by number."""
    document: AsyncDocumentReference = report.collection("continued").document(f"{number:06}")
    return document


async def mark_plan_executed(
    client: AsyncClient, held: Mapping[str, Any], executed_by: str, now: datetime
) -> None:
    """Note in a held report the id of the report that executed its plan."""
    report = paths.reports_collection(client, held["restaurantId"]).document(held["reportId"])
    await update_document(report, {"executedBy": executed_by, "executedAt": now})


async def update_review_counts(
    client: AsyncClient,
    restaurant_id: str,
    reservation_ids: Collection[str],
    now: datetime,
    report_id: str | None = None,
) -> None:
    """Update the counts of reports and of open divergences after the staff has decided.

    Each report counts the decided reservations that it lists: the recent reports, the last one of
    all days, and `report_id`, the report in which the staff decided.
    """
    integration = paths.integration_document(client, restaurant_id)
    settings = (await read_document(integration)).to_dict() or {}
    last_full_id = read_map(settings, "reconciliation").get("lastFullReportId")
    recent = await read_newest_report_summaries(client, restaurant_id, MAX_RECENT_REPORTS, now)
    current_ids = {summary["reportId"] for summary in recent}
    if isinstance(last_full_id, str) and is_document_id(last_full_id):
        current_ids.add(last_full_id)
    # Sets: a reservation may be in several reports, but is decided once.
    open_ids: set[str] = set()
    batch = client.batch()
    for listing_id in current_ids | ({report_id} if report_id else set()):
        report = await read_full_report(client, restaurant_id, listing_id) or {}
        listed_ids = set(reservation_ids) & {
            str(entry.get("reservationId"))
            for entry in _read_list(report, "divergences")
            if isinstance(entry, Mapping)
            and entry.get("type") == DivergenceType.MISSING_IN_OPENTABLE
        }
        if listing_id in current_ids:
            open_ids |= listed_ids
        if listed_ids:
            reference = paths.reports_collection(client, restaurant_id).document(listing_id)
            batch.update(reference, {"reviewedCount": Increment(len(listed_ids))})
    if open_ids:
        batch.update(integration, {"reconciliation.openDivergences": Increment(-len(open_ids))})
    with translate_firestore_errors():
        await batch.commit(retry=None, timeout=WRITE_TIMEOUT_SECONDS)


async def read_newest_report_summaries(
    client: AsyncClient, restaurant_id: str, limit: int, now: datetime
) -> list[dict[str, Any]]:
    """Return the newest reports without their lists, newest first."""
    reports = paths.reports_collection(client, restaurant_id)
    newest_first = order_newest_first(reports, "reconciledAt", now)
    snapshots = await read_documents(newest_first.select(_SUMMARY_FIELDS), limit)
    return [_read_with_id(snapshot) for snapshot in snapshots]


async def read_full_report(
    client: AsyncClient, restaurant_id: str, report_id: str
) -> dict[str, Any] | None:
    """Return a report with at most `MAX_REPORT_PARTS` parts of its lists, None if there is none.

    Its field ``complete`` is False if the lists have more parts.
    """
    report = await read_report_document(client, restaurant_id, report_id)
    if report is None:
        return None
    parts = report.get("parts")
    other_part_count = parts - 1 if isinstance(parts, int) else 0
    if other_part_count > 0:
        reports = paths.reports_collection(client, restaurant_id)
        other_parts = reports.document(report_id).collection("continued").order_by("__name__")
        for part in await read_documents(other_parts, min(other_part_count, MAX_REPORT_PARTS - 1)):
            for name in REPORT_LISTS:
                report[name] = _read_list(report, name) + _read_list(part.to_dict() or {}, name)
    return {**report, "complete": other_part_count < MAX_REPORT_PARTS}


async def read_report_document(
    client: AsyncClient, restaurant_id: str, report_id: str
) -> dict[str, Any] | None:
    """Return a report with the first part of its lists, None if there is none."""
    reference = paths.reports_collection(client, restaurant_id).document(report_id)
    snapshot = await read_document(reference)
    return _read_with_id(snapshot) if snapshot.exists else None


def _read_with_id(snapshot: DocumentSnapshot[Any]) -> dict[str, Any]:
    # The id of the path: a field edited by hand must not lead to another report.
    return {**(snapshot.to_dict() or {}), "reportId": snapshot.id}


async def iterate_planned_corrections(
    client: AsyncClient, held: Mapping[str, Any]
) -> AsyncIterator[Sequence[PlannedCorrection]]:
    """Yield a held report's plan in batches of at most `MAX_ITEMS_PER_BATCH`.

    Each part of the report is read when needed, so a plan of any length fits in memory.
    """
    restaurant_id = held["restaurantId"]
    reference = paths.reports_collection(client, restaurant_id).document(held["reportId"])
    for number in range(held["parts"]):
        part = held
        if number > 0:
            snapshot = await read_document(_part_document(reference, number))
            if not snapshot.exists:  # the number of parts was edited by hand
                log_unreadable_document(restaurant_id, "reconciliationReports")
                return
            part = snapshot.to_dict() or {}
        items = []
        for entry in (entry for name in _PLANNED_LISTS for entry in _read_list(part, name)):
            try:
                items.append(planned_correction_from_map(entry))
            except UnreadableDocumentError as error:
                # One damaged item must not keep the others from being applied.
                log_unreadable_document(restaurant_id, "reconciliationReports", error)
        for batch in batched(items, MAX_ITEMS_PER_BATCH):
            yield batch


def _read_list(part: Mapping[str, Any], name: str) -> list[Any]:
    entries = part.get(name)
    return entries if isinstance(entries, list) else []
