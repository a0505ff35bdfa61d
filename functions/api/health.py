"""Can the book be trusted? The newest signs of each way in which changes come."""

import asyncio
from datetime import datetime
from typing import Any

from pydantic import Field

from functions.api.models import EmptyRequest, ResponseModel, UtcInstant
from functions.api.replies import ApiResponse
from functions.api.reports import ReportSummary
from functions.api.routing import RequestContext, Route
from shared.domain.polling import webhook_silence_from_document
from shared.domain.settings import parse_settings
from shared.polling.webhook_health import read_last_webhook_at
from shared.quarantine.store import QuarantineBacklog, read_quarantine_backlog
from shared.reconciliation.report_store import read_newest_report_summaries
from shared.restaurants.settings import read_integration_document
from shared.staff.auth import Role

_MAX_REPORTS_READ = 3  # reports


class PollHealth(ResponseModel):
    """The newest poll."""

    last_polled_at: UtcInstant | None = Field(description="When one last came to its end.")
    last_outcome: str | None
    consecutive_failures: int
    last_error: str | None


class HealthResponse(ResponseModel):
    """A restaurant's health."""

    enabled: bool
    last_webhook_at: UtcInstant | None = Field(description="When one last told something new.")
    poll: PollHealth
    reconciliation: ReportSummary | None = Field(
        description="The newest report; of the last few, one that was no dry run."
    )
    missed_webhooks: int = Field(
        description="Late changes that the newest poll and reconciliation had to find."
    )
    webhooks_silent_since: UtcInstant | None = Field(
        description="Since when the book changes and no webhook is heard; null while all is well."
    )
    open_quarantine: int
    oldest_open_quarantine_at: UtcInstant | None = Field(
        description="When the oldest statement that waits in the quarantine first came."
    )
    problems: list[str] = Field(description="What is to be mended in the settings, in words.")
    last_error: str | None = Field(description="What to look at first, in words.")


async def get_health(context: RequestContext[EmptyRequest, EmptyRequest]) -> ApiResponse:
    """Answer with a restaurant's health, at the price of some seven reads."""
    app_context, restaurant_id = context.app_context, context.restaurant_id
    document, webhook_at, reports, backlog = await asyncio.gather(
        read_integration_document(app_context.firestore, restaurant_id),
        read_last_webhook_at(app_context.firestore, restaurant_id),
        read_newest_report_summaries(app_context.firestore, restaurant_id, _MAX_REPORTS_READ),
        read_quarantine_backlog(app_context, restaurant_id),
    )
    # A rehearsal changes nothing, so it says nothing about what stands in the book.
    candidate_reports = [
        report_summary for report_summary in reports if report_summary["status"] != "DRY_RUN"
    ] or reports
    report = ReportSummary.model_validate(candidate_reports[0]) if candidate_reports else None
    return ApiResponse(
        _build_health_response(restaurant_id, document or {}, webhook_at, report, backlog)
    )


def _build_health_response(
    restaurant_id: str,
    integration: dict[str, Any],
    webhook_at: datetime | None,
    report: ReportSummary | None,
    backlog: QuarantineBacklog,
) -> HealthResponse:
    poll = integration.get("poll") or {}
    problems = parse_settings(restaurant_id, integration).problems
    silence = webhook_silence_from_document(integration)
    missed = int(poll.get("missedWebhooks") or 0) + (report.missed_webhooks if report else 0)
    return HealthResponse(
        enabled=integration.get("enabled") is True,
        last_webhook_at=webhook_at,
        poll=_build_poll_health(integration, poll),
        reconciliation=report,
        missed_webhooks=missed,
        webhooks_silent_since=silence.missed_since if silence.is_silent else None,
        open_quarantine=backlog.open_count,
        oldest_open_quarantine_at=backlog.oldest_at,
        problems=[*problems, *(poll.get("problems") or ())],
        last_error=_find_first_error(problems, poll, report),
    )


def _build_poll_health(integration: dict[str, Any], poll: dict[str, Any]) -> PollHealth:
    return PollHealth(
        last_polled_at=integration.get("lastPolledAt"),
        last_outcome=poll.get("lastOutcome"),
        consecutive_failures=int(poll.get("consecutiveFailures") or 0),
        last_error=poll.get("lastError"),
    )


def _find_first_error(
    problems: tuple[str, ...], poll: dict[str, Any], report: ReportSummary | None
) -> str | None:
    """Return the first of what stands in the way: settings, then the poll, then the comparison."""
    error = poll.get("lastError") or (report and report.reason)
    return " ".join(problems) or (str(error) if error else None)


ROUTES = (
    Route(
        "GET",
        "health",
        Role.HOST,
        "Whether the book can be trusted",
        get_health,
        HealthResponse,
        EmptyRequest,
        EmptyRequest,
    ),
)
