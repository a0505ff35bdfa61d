"""The reservations of a report, page by page, with the guests of the ledger.

A stored report has no personal data. The names come from the ledger when a page is read, so an
erased guest has none.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from functions.api.authorization import HostContext, RequestContext
from functions.api.reports import format_local_start, read_zone
from functions.api.requests import API_PREFIX, DocumentId, PageLimit, RequestModel, StaffRoute
from functions.api.responses import ResponseModel, build_not_found_error, typed_or_none
from shared.domain.ledger.document import flatten_document
from shared.firestore import paths
from shared.firestore.documents import READ_TIMEOUT_SECONDS, translate_firestore_errors
from shared.reconciliation.report_store import read_full_report

router = APIRouter(prefix=f"{API_PREFIX}/reports", route_class=StaffRoute)


class ReportList(StrEnum):
    """The lists of a report."""

    CREATED = "created"
    UPDATED = "updated"
    CANCELLED = "cancelled"
    DIVERGENCES = "divergences"
    MISSING = "missing"
    SKIPPED = "skipped"


class ReportItemsRequest(RequestModel):
    """Which part of which list."""

    # Not `list`: the name of the type is needed below.
    list_name: ReportList = Field(alias="list")
    limit: PageLimit = 100
    offset: int = Field(0, ge=0, le=1_000_000, description="`next` of the previous page.")


class ReportItem(ResponseModel):
    """A reservation of a report."""

    reservation_id: str | None
    external_id: str | None
    local_date: str | None = Field(description="At the time of the report.")
    local_time: str | None = Field(description="At the time of the report, HH:MM.")
    party_size: int | None = Field(description="At the time of the report.")
    diner_name: str | None = Field(description="As stored now; null without a document.")
    status: str | None = Field(description="As stored now.")
    review_decision: str | None = Field(description="As stored now: `KEPT` or `REMOVED`.")
    type: str | None = Field(description="Of a divergence: its type.")
    reason: str | None
    previous_status: str | None
    new_status: str | None
    changes: dict[str, Any]


class ReportItemsResponse(ResponseModel):
    """A page of one of a report's lists, by day and time."""

    items: list[ReportItem]
    total: int
    next: int | None = Field(description="The offset of the next page; null on the last page.")


@router.get("/{report_id}/items", summary="List the reservations of a report, page by page")
async def list_report_items(
    context: HostContext, report_id: DocumentId, query: Annotated[ReportItemsRequest, Query()]
) -> ReportItemsResponse:
    """Return a page of one of a report's lists, with the names of the guests."""
    report = await read_full_report(context.app_context.firestore, context.restaurant_id, report_id)
    if report is None:
        raise build_not_found_error("There is no report with this id. Choose one from the list.")
    entries = [
        entry
        for entry in typed_or_none(list, report.get(query.list_name)) or []
        if isinstance(entry, Mapping)
    ]
    entries.sort(key=lambda entry: (str(entry.get("startAt") or ""), str(entry.get("externalId"))))
    end = query.offset + query.limit
    page = entries[query.offset : end]
    documents = await _read_documents(context, page)
    zone = await read_zone(context)
    items = []
    for entry in page:
        local_date, local_time = format_local_start(entry.get("startAt"), zone)
        stored = documents.get(str(entry.get("reservationId")), {})
        items.append(
            ReportItem(
                reservation_id=typed_or_none(str, entry.get("reservationId")),
                external_id=typed_or_none(str, entry.get("externalId")),
                local_date=local_date,
                local_time=local_time,
                party_size=typed_or_none(int, entry.get("partySize")),
                diner_name=typed_or_none(str, stored.get("dinerName")),
                status=typed_or_none(str, stored.get("status")),
                review_decision=typed_or_none(str, stored.get("reconciliation.reviewDecision")),
                type=typed_or_none(str, entry.get("type")),
                reason=typed_or_none(str, entry.get("reason")),
                previous_status=typed_or_none(str, entry.get("previousStatus")),
                new_status=typed_or_none(str, entry.get("newStatus")),
                changes=typed_or_none(dict, entry.get("changes")) or {},
            )
        )
    return ReportItemsResponse(
        items=items, total=len(entries), next=end if end < len(entries) else None
    )


async def _read_documents(
    context: RequestContext, entries: list[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the flattened reservations of some entries by document id."""
    client = context.app_context.firestore
    reservations = paths.reservations_collection(client, context.restaurant_id)
    ids = {id_ for entry in entries if isinstance(id_ := entry.get("reservationId"), str) and id_}
    if not ids:
        return {}
    with translate_firestore_errors():
        snapshots = client.get_all(
            [reservations.document(id_) for id_ in sorted(ids)],
            field_paths=["dinerName", "status", "reconciliation.reviewDecision"],
            retry=None,
            timeout=READ_TIMEOUT_SECONDS,
        )
        return {
            snapshot.id: flatten_document(snapshot.to_dict() or {}) async for snapshot in snapshots
        }
