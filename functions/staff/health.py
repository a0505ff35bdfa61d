"""Can the book be trusted? The newest signs of each way in which changes come."""

import asyncio
from datetime import datetime
from typing import Any

from pydantic import Field

from functions.staff.models import Instant, Nothing, Told
from functions.staff.replies import Reply
from functions.staff.reports import ReportSummary
from functions.staff.routing import Route, Visit
from shared.core.settings import settings_from
from shared.core.silence import silence_in
from shared.edge.backlog import Backlog, read_backlog
from shared.edge.pulse import last_webhook_at
from shared.edge.staff.integration import read_integration
from shared.edge.staff.membership import Role
from shared.edge.staff.reports import newest_summaries

_LOOKED_AT = 3  # reports


class PollHealth(Told):
    """The newest poll."""

    last_polled_at: Instant | None = Field(description="When one last came to its end.")
    last_outcome: str | None
    consecutive_failures: int
    last_error: str | None


class Health(Told):
    """A restaurant's health."""

    enabled: bool
    last_webhook_at: Instant | None = Field(description="When one last told something new.")
    poll: PollHealth
    reconciliation: ReportSummary | None = Field(
        description="The newest report; of the last few, one that was no dry run."
    )
    missed_webhooks: int = Field(
        description="Late changes that the newest poll and reconciliation had to find."
    )
    webhooks_silent_since: Instant | None = Field(
        description="Since when the book changes and no webhook is heard; null while all is well."
    )
    open_quarantine: int
    oldest_open_quarantine_at: Instant | None = Field(
        description="When the oldest statement that waits in the quarantine first came."
    )
    problems: list[str] = Field(description="What is to be mended in the settings, in words.")
    last_error: str | None = Field(description="What to look at first, in words.")


async def health(visit: Visit[Nothing, Nothing]) -> Reply:
    """Answer with a restaurant's health, at the price of some seven reads."""
    services, restaurant_id = visit.services, visit.restaurant_id
    document, webhook_at, reports, backlog = await asyncio.gather(
        read_integration(services.firestore, restaurant_id),
        last_webhook_at(services.firestore, restaurant_id),
        newest_summaries(services.firestore, restaurant_id, _LOOKED_AT),
        read_backlog(services, restaurant_id),
    )
    # A rehearsal changes nothing, so it says nothing about what stands in the book.
    checks = [each for each in reports if each["status"] != "DRY_RUN"] or reports
    report = ReportSummary.model_validate(checks[0]) if checks else None
    return Reply(_health(restaurant_id, document or {}, webhook_at, report, backlog))


def _health(
    restaurant_id: str,
    integration: dict[str, Any],
    webhook_at: datetime | None,
    report: ReportSummary | None,
    backlog: Backlog,
) -> Health:
    poll = integration.get("poll") or {}
    problems = settings_from(restaurant_id, integration).problems
    silence = silence_in(integration)
    missed = int(poll.get("missedWebhooks") or 0) + (report.missed_webhooks if report else 0)
    return Health(
        enabled=integration.get("enabled") is True,
        last_webhook_at=webhook_at,
        poll=_poll(integration, poll),
        reconciliation=report,
        missed_webhooks=missed,
        webhooks_silent_since=silence.since if silence.alarms else None,
        open_quarantine=backlog.open_items,
        oldest_open_quarantine_at=backlog.oldest_at,
        problems=[*problems, *(poll.get("problems") or ())],
        last_error=_last_error(problems, poll, report),
    )


def _poll(integration: dict[str, Any], poll: dict[str, Any]) -> PollHealth:
    return PollHealth(
        last_polled_at=integration.get("lastPolledAt"),
        last_outcome=poll.get("lastOutcome"),
        consecutive_failures=int(poll.get("consecutiveFailures") or 0),
        last_error=poll.get("lastError"),
    )


def _last_error(
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
        health,
        Health,
        Nothing,
        Nothing,
    ),
)
