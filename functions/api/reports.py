"""Reconciliation reports, their reservations, and the execution of a held report's plan.

A stored report has no personal data. The names of guests come from the ledger when a page of the
report is read, so an erased guest has none.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import Field, ValidationError

from functions.api.auth import HostContext, ManagerContext, RequestContext
from functions.api.integration import build_settings_error
from functions.api.requests import API_PREFIX, DocumentId, PageLimit, RequestModel, StaffRoute
from functions.api.responses import (
    ApiError,
    ResponseModel,
    StoredMap,
    UtcInstant,
    build_not_found_error,
    build_readable_responses,
)
from shared.domain.normalization.field_values import parse_instant
from shared.domain.normalization.identifiers import is_document_id
from shared.domain.reconciliation.held_plan import describe_plan_effects
from shared.domain.reconciliation.report import ReportStatus
from shared.domain.validation import flatten_document, typed_or_none
from shared.errors import IntegrationDisabledError, InvalidSettingsError, PlanNotExecutableError
from shared.firestore import paths
from shared.firestore.documents import read_all
from shared.log import LogEvent, Severity, log_event
from shared.reconciliation.report_store import (
    REPORT_LISTS,
    read_full_report,
    read_newest_report_summaries,
)

# The rest of the call's time limit is for the commits of the last items and for the report.
FORCE_BUDGET_SECONDS = 15.0
_MAX_REPORTS_READ = 3  # the newest one may be damaged

router = APIRouter(prefix=f"{API_PREFIX}/reports", route_class=StaffRoute)


class ReportCounts(ResponseModel):
    """The lengths of a report's lists."""

    created: int
    updated: int
    cancelled: int
    divergences: int
    missing: int
    skipped: int


class ReportSummary(ResponseModel):
    """A report without its lists."""

    report_id: str
    status: str
    reason: str | None = Field(description="Why the run was held or failed.")
    failure: str | None = Field(
        None, description="Of a failed run: `OPENTABLE`, `SETTINGS`, `FIRESTORE` or `INTERNAL`."
    )
    start_date: str = Field(description="First compared local date.")
    end_date: str = Field(description="Last compared local date.")
    reconciled_at: UtcInstant
    open_table_count: int | None = Field(description="Null if unknown, like the next five.")
    ledger_count: int | None
    compared_count: int | None
    unchanged_count: int | None
    new_divergences: int | None
    reviewed_count: int = Field(
        0, description="Divergences that the staff has decided about since this report."
    )
    missed_webhooks: int | None
    duration_ms: int
    held_report_id: str | None = Field(description="The held report whose plan this run executed.")
    executed_by: str | None = Field(None, description="The report of the plan's execution.")
    executed_at: UtcInstant | None = None
    counts: ReportCounts


class ReportListRequest(RequestModel):
    """How many reports."""

    limit: PageLimit = 20


class ReportListResponse(ResponseModel):
    """Reports, newest first."""

    reports: list[ReportSummary]


@router.get("", summary="List the newest reconciliation reports")
async def list_reports(
    context: HostContext, query: Annotated[ReportListRequest, Query()]
) -> ReportListResponse:
    """Return the newest reports, without their lists."""
    return ReportListResponse(reports=await read_report_summaries(context, query.limit))


async def read_report_summaries(context: RequestContext, limit: int) -> list[ReportSummary]:
    """Return the newest reports without their lists; damaged ones are left out."""
    stored = await read_newest_report_summaries(
        context.firestore, context.restaurant_id, limit, context.app_context.clock()
    )
    return build_readable_responses(
        ReportSummary, stored, context.restaurant_id, "reconciliationReports"
    )


class ReportDay(ResponseModel):
    """A report's reservations of one day."""

    date: str | None = Field(description="Local date; null without a known time.")
    reservations: int
    covers: int = Field(description="Sum of the known party sizes.")


class ReportResponse(ReportSummary):
    """A report with its lists."""

    plan_effects: list[str] = Field(
        description="Of a held plan: what its execution does and does not do, in sentences."
    )
    days: list[ReportDay] = Field(description="The reservations of all lists by day.")
    created: list[StoredMap]
    updated: list[StoredMap]
    cancelled: list[StoredMap]
    divergences: list[StoredMap]
    missing: list[StoredMap] = Field(
        description="Reservations missing from OpenTable's response when the plan was held."
    )
    skipped: list[StoredMap] = Field(
        description="Items of an executed plan skipped because either side had changed."
    )
    complete: bool = Field(description="Whether the lists are complete; the counts always are.")


# Declared before /{report_id}: both match this address.
@router.get("/latest", summary="Get the newest report with its lists")
async def get_latest_report(context: HostContext) -> ReportResponse:
    """Return the newest report."""
    summaries = await read_report_summaries(context, _MAX_REPORTS_READ)
    if not summaries:
        text = "There is no report yet. The first one is made within an hour."
        raise build_not_found_error(text)
    return await require_full_report(context, summaries[0].report_id)


@router.get("/{report_id}", summary="Get a report with its lists")
async def get_report(context: HostContext, report_id: DocumentId) -> ReportResponse:
    """Return a report."""
    return await require_full_report(context, report_id)


class ReportList(StrEnum):
    """The lists of a report."""

    CREATED = "created"
    UPDATED = "updated"
    CANCELLED = "cancelled"
    DIVERGENCES = "divergences"
    MISSING = "missing"
    SKIPPED = "skipped"


class ReportItemsRequest(RequestModel):
    """A list of a report, and a part of it."""

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
    changes: StoredMap


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
    report = await _read_report(context, report_id)
    entries = [
        entry
        for entry in typed_or_none(list, report.get(query.list_name)) or []
        if isinstance(entry, Mapping)
    ]
    # Sorted here, because pages need a stable order and a stored list has none.
    entries.sort(key=lambda entry: (str(entry.get("startAt") or ""), str(entry.get("externalId"))))
    end = query.offset + query.limit
    page = entries[query.offset : end]
    reservations = paths.reservations_collection(context.firestore, context.restaurant_id)
    ids = {id_ for entry in page if isinstance(id_ := entry.get("reservationId"), str)}
    snapshots = await read_all(
        context.firestore,
        [reservations.document(id_) for id_ in ids if is_document_id(id_)],
        ["dinerName", "status", "reconciliation.reviewDecision"],
    )
    documents = {item.id: flatten_document(item.to_dict() or {}) for item in snapshots}
    zone = await _read_zone(context)
    return ReportItemsResponse(
        items=[
            _build_report_item(entry, documents.get(str(entry.get("reservationId")), {}), zone)
            for entry in page
        ],
        total=len(entries),
        next=end if end < len(entries) else None,
    )


def _build_report_item(
    entry: Mapping[str, Any], stored: Mapping[str, Any], zone: ZoneInfo | None
) -> ReportItem:
    """Return an entry of a report as the API shows it; `stored` is the document, flattened."""
    local_date, local_time = _format_local_start(entry.get("startAt"), zone)
    return ReportItem(
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


@router.post("/{report_id}/force", summary="Execute the plan of a held report")
async def force_report(context: ManagerContext, report_id: DocumentId) -> ReportResponse:
    """Execute the plan of a held report and return the report of the execution.

    A plan too long for one call ends as FAILED; the next call executes the rest.
    """
    from shared.reconciliation.plan_execution import (  # noqa: PLC0415 -- loads the OpenTable client
        execute_held_plan,
    )

    try:
        result = await execute_held_plan(
            context.app_context, context.restaurant_id, report_id, FORCE_BUDGET_SECONDS
        )
    except PlanNotExecutableError as error:
        if error.code == "REPORT_NOT_FOUND":
            raise build_not_found_error(str(error)) from None
        raise ApiError(409, error.code, str(error)) from None
    except IntegrationDisabledError as problem:
        raise ApiError(409, "INTEGRATION_DISABLED", str(problem)) from None
    except InvalidSettingsError as problem:
        raise build_settings_error(str(problem)) from None
    log_event(
        Severity.WARNING,
        LogEvent.RECONCILIATION_FORCED,
        restaurantId=context.restaurant_id,
        reportId=result["reportId"],
        heldReportId=report_id,
        by=context.user.uid,
    )
    return await require_full_report(context, result["reportId"])


async def require_full_report(context: RequestContext, report_id: str) -> ReportResponse:
    """Return a report with its lists, or raise a 404 error."""
    report = await _read_report(context, report_id)
    counts = report.get("counts")
    is_open_plan = report.get("status") == ReportStatus.HELD and not report.get("executedBy")
    effects = describe_plan_effects(counts) if is_open_plan and isinstance(counts, dict) else []
    days = _sum_by_day(report, await _read_zone(context))
    try:
        return ReportResponse.model_validate({**report, "planEffects": effects, "days": days})
    except ValidationError:
        text = "The stored report is damaged. Choose another one from the list."
        raise build_not_found_error(text) from None


async def _read_report(context: RequestContext, report_id: str) -> dict[str, Any]:
    """Return a stored report, or raise a 404 error."""
    report = await read_full_report(context.firestore, context.restaurant_id, report_id)
    if report is None:
        raise build_not_found_error("There is no report with this id. Choose one from the list.")
    return report


async def _read_zone(context: RequestContext) -> ZoneInfo | None:
    """Return the restaurant's time zone; None for unusable settings, which hide no report."""
    settings = await context.app_context.directory.find_by_restaurant_id(context.restaurant_id)
    return settings.zone if settings else None


def _sum_by_day(report: Mapping[str, Any], zone: ZoneInfo | None) -> list[dict[str, Any]]:
    reservations: Counter[str | None] = Counter()
    covers: Counter[str | None] = Counter()
    for name in REPORT_LISTS:
        for entry in typed_or_none(list, report.get(name)) or ():
            if not isinstance(entry, Mapping) or entry.get("reservationId") is None:
                continue  # damaged, or not about one reservation
            date, _ = _format_local_start(entry.get("startAt"), zone)
            reservations[date] += 1
            covers[date] += typed_or_none(int, entry.get("partySize")) or 0
    return [
        {"date": date, "reservations": reservations[date], "covers": covers[date]}
        for date in sorted(reservations, key=lambda day: day or "")
    ]


def _format_local_start(start_at: object, zone: ZoneInfo | None) -> tuple[str | None, str | None]:
    """Return the local date and time of a stored UTC time, None if one of them is unknown."""
    if zone is None or not isinstance(start_at, str):
        return None, None
    try:
        local_start = parse_instant(start_at).astimezone(zone)
    except (ValueError, OverflowError):
        return None, None
    return f"{local_start:%Y-%m-%d}", f"{local_start:%H:%M}"
