"""The calls about reconciliation reports."""

from typing import Any

from pydantic import Field

from functions.api.models import (
    EmptyRequest,
    PageLimit,
    RequestModel,
    ResponseModel,
    UtcInstant,
)
from functions.api.replies import ApiResponse
from functions.api.routing import RequestContext, Route, build_not_found_error
from shared.reconciliation.report_store import read_full_report, read_newest_report_summaries
from shared.staff.auth import Role


class ReportCounts(ResponseModel):
    """How many entries a report's lists have."""

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
    reason: str | None = Field(description="Why it was held or failed.")
    start_date: str
    end_date: str
    reconciled_at: UtcInstant
    open_table_count: int
    ledger_count: int
    compared_count: int
    unchanged_count: int
    new_divergences: int
    missed_webhooks: int
    duration_ms: int
    held_report_id: str | None = Field(
        description="The held report whose plan this one carried out."
    )
    executed_by: str | None = Field(None, description="The report of its plan's carrying out.")
    executed_at: UtcInstant | None = None
    counts: ReportCounts


class ReportResponse(ReportSummary):
    """A report with its lists."""

    created: list[dict[str, Any]]
    updated: list[dict[str, Any]]
    cancelled: list[dict[str, Any]]
    divergences: list[dict[str, Any]]
    missing: list[dict[str, Any]] = Field(
        description="What OpenTable's answer lacked, where the plan was held."
    )
    skipped: list[dict[str, Any]] = Field(
        description="What a forced plan left alone, as either side had moved."
    )
    complete: bool = Field(description="Whether the lists are whole; the counts always are.")


class ReportListRequest(RequestModel):
    """How many reports."""

    limit: PageLimit = 20


class ReportListResponse(ResponseModel):
    """Reports, newest first."""

    reports: list[ReportSummary]


async def list_reports(context: RequestContext[ReportListRequest, EmptyRequest]) -> ApiResponse:
    """Answer with the newest reports."""
    client, limit = context.app_context.firestore, context.query.limit
    summaries = await read_newest_report_summaries(client, context.restaurant_id, limit)
    return ApiResponse(
        ReportListResponse(reports=[ReportSummary.model_validate(report) for report in summaries])
    )


async def get_latest_report(context: RequestContext[EmptyRequest, EmptyRequest]) -> ApiResponse:
    """Answer with the newest report, whole."""
    summaries = await read_newest_report_summaries(
        context.app_context.firestore, context.restaurant_id, 1
    )
    if not summaries:
        raise build_not_found_error(
            "There is no report yet; the first comes with the next full hour."
        )
    return await respond_with_report(context, summaries[0]["reportId"])


async def get_report(context: RequestContext[EmptyRequest, EmptyRequest]) -> ApiResponse:
    """Answer with one report, whole."""
    return await respond_with_report(context, context.id)


async def respond_with_report(
    context: RequestContext[EmptyRequest, EmptyRequest], report_id: str
) -> ApiResponse:
    """Answer with the report of an id, whole."""
    report = await read_full_report(context.app_context.firestore, context.restaurant_id, report_id)
    if report is None:
        raise build_not_found_error("There is no report of this id; GET reports lists them.")
    return ApiResponse(ReportResponse.model_validate(report))


ROUTES = (
    Route(
        "GET",
        "reports",
        Role.HOST,
        "The newest reconciliation reports",
        list_reports,
        ReportListResponse,
        ReportListRequest,
        EmptyRequest,
    ),
    Route(
        "GET",
        "reports/latest",
        Role.HOST,
        "The newest report, whole",
        get_latest_report,
        ReportResponse,
        EmptyRequest,
        EmptyRequest,
    ),
    Route(
        "GET",
        "reports/{id}",
        Role.HOST,
        "One report, whole",
        get_report,
        ReportResponse,
        EmptyRequest,
        EmptyRequest,
    ),
)
