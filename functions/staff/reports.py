"""The calls about reconciliation reports."""

from typing import Any

from pydantic import Field

from functions.staff.models import Asked, Instant, Limit, Nothing, Told
from functions.staff.replies import Reply
from functions.staff.routing import Route, Visit, not_found
from shared.edge.staff.membership import Role
from shared.edge.staff.reports import newest_summaries, whole_report


class ReportCounts(Told):
    """How many entries a report's lists have."""

    created: int
    updated: int
    cancelled: int
    divergences: int
    missing: int
    skipped: int


class ReportSummary(Told):
    """A report without its lists."""

    report_id: str
    status: str
    reason: str | None = Field(description="Why it was held or failed.")
    start_date: str
    end_date: str
    reconciled_at: Instant
    open_table_count: int
    ledger_count: int
    compared_count: int
    unchanged_count: int
    new_divergences: int
    missed_webhooks: int
    duration_ms: int
    forced_from: str | None = Field(description="The held report whose plan this one carried out.")
    forced_to: str | None = Field(None, description="The report of its plan's carrying out.")
    forced_at: Instant | None = None
    counts: ReportCounts


class Report(ReportSummary):
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


class ReportsAsked(Asked):
    """How many reports."""

    limit: Limit = 20


class Reports(Told):
    """Reports, newest first."""

    reports: list[ReportSummary]


async def newest(visit: Visit[ReportsAsked, Nothing]) -> Reply:
    """Answer with the newest reports."""
    client, limit = visit.services.firestore, visit.query.limit
    found = await newest_summaries(client, visit.restaurant_id, limit)
    return Reply(Reports(reports=[ReportSummary.model_validate(report) for report in found]))


async def latest(visit: Visit[Nothing, Nothing]) -> Reply:
    """Answer with the newest report, whole."""
    found = await newest_summaries(visit.services.firestore, visit.restaurant_id, 1)
    if not found:
        raise not_found("There is no report yet; the first comes with the next full hour.")
    return await told_whole(visit, found[0]["reportId"])


async def one(visit: Visit[Nothing, Nothing]) -> Reply:
    """Answer with one report, whole."""
    return await told_whole(visit, visit.id)


async def told_whole(visit: Visit[Nothing, Nothing], report_id: str) -> Reply:
    """Answer with the report of an id, whole."""
    report = await whole_report(visit.services.firestore, visit.restaurant_id, report_id)
    if report is None:
        raise not_found("There is no report of this id; GET reports lists them.")
    return Reply(Report.model_validate(report))


ROUTES = (
    Route(
        "GET",
        "reports",
        Role.HOST,
        "The newest reconciliation reports",
        newest,
        Reports,
        ReportsAsked,
        Nothing,
    ),
    Route(
        "GET",
        "reports/latest",
        Role.HOST,
        "The newest report, whole",
        latest,
        Report,
        Nothing,
        Nothing,
    ),
    Route(
        "GET",
        "reports/{id}",
        Role.HOST,
        "One report, whole",
        one,
        Report,
        Nothing,
        Nothing,
    ),
)
