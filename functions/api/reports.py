"""Reconciliation reports, and the execution of a held report's plan."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, ValidationError

from functions.api.authorization import HostContext, ManagerContext, RequestContext
from functions.api.integration import build_settings_error
from functions.api.requests import API_PREFIX, DocumentId, PageLimit, RequestModel, StaffRoute
from functions.api.responses import (
    ApiError,
    ResponseModel,
    UtcInstant,
    build_not_found_error,
    build_readable_responses,
)
from shared.errors import IntegrationDisabledError, InvalidSettingsError, PlanNotExecutableError
from shared.log import LogEvent, Severity, log_event
from shared.reconciliation.report_store import read_full_report, read_newest_report_summaries

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
    start_date: str
    end_date: str
    reconciled_at: UtcInstant
    open_table_count: int
    ledger_count: int
    compared_count: int
    unchanged_count: int
    new_divergences: int
    reviewed_count: int = Field(
        0, description="Divergences that the staff has decided about since this report."
    )
    missed_webhooks: int
    duration_ms: int
    held_report_id: str | None = Field(description="The held report whose plan this run executed.")
    executed_by: str | None = Field(None, description="The report of the plan's execution.")
    executed_at: UtcInstant | None = None
    counts: ReportCounts


class ReportListRequest(RequestModel):
    """How many reports."""

    limit: PageLimit = 20


def read_summaries(restaurant_id: str, stored: Iterable[Mapping[str, Any]]) -> list[ReportSummary]:
    """Return the readable reports."""
    return build_readable_responses(ReportSummary, stored, restaurant_id, "reconciliationReports")


class ReportListResponse(ResponseModel):
    """Reports, newest first."""

    reports: list[ReportSummary]


@router.get("", summary="List the newest reconciliation reports")
async def list_reports(
    context: HostContext, query: Annotated[ReportListRequest, Query()]
) -> ReportListResponse:
    """Return the newest reports, without their lists."""
    summaries = await read_newest_report_summaries(
        context.app_context.firestore, context.restaurant_id, query.limit
    )
    return ReportListResponse(reports=read_summaries(context.restaurant_id, summaries))


class ReportResponse(ReportSummary):
    """A report with its lists."""

    created: list[dict[str, Any]]
    updated: list[dict[str, Any]]
    cancelled: list[dict[str, Any]]
    divergences: list[dict[str, Any]]
    missing: list[dict[str, Any]] = Field(
        description="Reservations missing from OpenTable's response when the plan was held."
    )
    skipped: list[dict[str, Any]] = Field(
        description="Items of an executed plan skipped because either side had changed."
    )
    complete: bool = Field(description="Whether the lists are complete; the counts always are.")


# Declared before /{report_id}: both match this address.
@router.get("/latest", summary="Get the newest report with its lists")
async def get_latest_report(context: HostContext) -> ReportResponse:
    """Return the newest report."""
    stored = await read_newest_report_summaries(
        context.app_context.firestore, context.restaurant_id, _MAX_REPORTS_READ
    )
    summaries = read_summaries(context.restaurant_id, stored)
    if not summaries:
        text = "There is no report yet. The first one is made within an hour."
        raise build_not_found_error(text)
    return await require_full_report(context, summaries[0].report_id)


@router.get("/{report_id}", summary="Get a report with its lists")
async def get_report(context: HostContext, report_id: DocumentId) -> ReportResponse:
    """Return a report."""
    return await require_full_report(context, report_id)


@router.post("/{report_id}/force", summary="Execute the plan of a held report")
async def force_report(context: ManagerContext, report_id: DocumentId) -> ReportResponse:
    """Execute the plan of a held report and return the report of the execution.

    A plan too long for one call ends as FAILED; the next call executes the rest.
    """
    from shared.reconciliation.forced_plan import (  # noqa: PLC0415 -- loads the OpenTable client
        force_held_report,
    )

    try:
        result = await force_held_report(
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
    report = await read_full_report(context.app_context.firestore, context.restaurant_id, report_id)
    if report is None:
        raise build_not_found_error("There is no report with this id. Choose one from the list.")
    try:
        return ReportResponse.model_validate(report)
    except ValidationError:
        raise build_not_found_error(
            "The stored report is damaged. Choose another one from the list."
        ) from None
