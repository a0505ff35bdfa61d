"""A restaurant's health, and the caller's role."""

import asyncio
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from functions.api.auth import HostContext
from functions.api.reports import ReportSummary, build_report_summaries
from functions.api.requests import API_PREFIX, StaffRoute
from functions.api.responses import ResponseModel, UtcInstant
from shared.domain.health import webhook_silence_from_document
from shared.domain.settings import parse_settings
from shared.domain.validation import read_count, read_map, read_texts, typed_or_none
from shared.guests.failures import guest_failure_summary_from_document
from shared.ingest.deliveries import read_last_webhook
from shared.quarantine.store import read_quarantine_backlog
from shared.reconciliation.report_store import MAX_RECENT_REPORTS, read_newest_report_summaries
from shared.restaurants.settings import read_integration_document, resolve_locale

router = APIRouter(prefix=API_PREFIX, route_class=StaffRoute)


class MeResponse(ResponseModel):
    """The caller, and the settings of the restaurant that the page needs."""

    uid: str
    role: str = Field(
        description="`host`, `manager` or `operator`; each includes the rights of those before."
    )
    restaurant_name: str | None = Field(description="Null until a manager sets it.")
    time_zone: str | None = Field(description="Null until the settings have a valid zone.")
    service_day_ends_at: str | None = Field(description="Local time, HH:MM.")
    locale: str | None = Field(description="For dates and times; null if no country is known.")
    hour_cycle: str | None = Field(description="`h12` or `h23`; null uses that of the locale.")


@router.get("/me", summary="Get the caller's role")
async def get_me(context: HostContext) -> MeResponse:
    """Return the caller's id and role, and the restaurant's settings for the page."""
    settings = await context.app_context.directory.find_by_restaurant_id(context.restaurant_id)
    zone = settings.zone if settings else None
    return MeResponse(
        uid=context.user.uid,
        role=context.role.code,
        restaurant_name=settings.name if settings else None,
        time_zone=zone.key if zone else None,
        service_day_ends_at=f"{settings.service_day_ends_at:%H:%M}" if settings else None,
        locale=resolve_locale(settings) if settings else None,
        hour_cycle=settings.hour_cycle if settings else None,
    )


class PollHealth(ResponseModel):
    """The newest poll."""

    last_polled_at: UtcInstant | None = Field(description="End of the last completed poll.")
    last_outcome: str | None
    consecutive_failures: int
    last_error: str | None


class HealthResponse(ResponseModel):
    """A restaurant's health."""

    enabled: bool
    last_webhook_at: UtcInstant | None = Field(description="When a webhook last changed something.")
    last_webhook_lag_seconds: int | None = Field(
        description="How long after its change at OpenTable that webhook was applied."
    )
    poll: PollHealth
    reconciliation: ReportSummary | None = Field(
        description="The newest of the last reports; a dry run only if there is no other."
    )
    full_reconciliation_at: UtcInstant | None = Field(
        description="The last completed comparison of all days; hourly ones compare the near days."
    )
    missed_webhooks: int = Field(
        description="Changes without a webhook, found by the last poll and reconciliation."
    )
    last_missed_at: UtcInstant | None = Field(
        description="When a poll or reconciliation last found a change without a webhook."
    )
    last_missed_lag_seconds: int | None = Field(description="How old that change was.")
    webhooks_silent_since: UtcInstant | None = Field(
        description="Since when reservations change without a webhook; null if webhooks work."
    )
    failing_guests: int = Field(
        description="Guests that could not be fetched or linked; later runs try again."
    )
    next_guest_attempt_at: UtcInstant | None = Field(
        description="When the first of them is tried again."
    )
    last_guest_error: str | None = Field(description="Why one of them failed.")
    open_quarantine: int
    oldest_open_quarantine_at: UtcInstant | None = Field(
        description="When the oldest open quarantined event was first received."
    )
    problems: list[str] = Field(description="What to correct in the settings.")
    last_error: str | None = Field(description="What to correct first.")


@router.get("/health", summary="Get the restaurant's health")
async def get_health(context: HostContext) -> HealthResponse:
    """Return the newest result of each channel (about seven reads)."""
    app_context, restaurant_id = context.app_context, context.restaurant_id
    document, (webhook_at, webhook_lag_seconds), reports, backlog = await asyncio.gather(
        read_integration_document(app_context.firestore, restaurant_id),
        read_last_webhook(app_context, restaurant_id),
        read_newest_report_summaries(
            app_context.firestore, restaurant_id, MAX_RECENT_REPORTS, app_context.clock()
        ),
        read_quarantine_backlog(app_context, restaurant_id),
    )
    integration: dict[str, Any] = document or {}
    poll = read_map(integration, "poll")
    problems = parse_settings(restaurant_id, integration).problems
    silence = webhook_silence_from_document(integration)
    guest_failures = guest_failure_summary_from_document(integration)
    # A dry run changes nothing, so it does not show what the ledger contains.
    summaries = build_report_summaries(restaurant_id, reports)
    actual_runs = [summary for summary in summaries if summary.status != "DRY_RUN"]
    report = next(iter(actual_runs or summaries), None)
    poll_error = typed_or_none(str, poll.get("lastError"))
    error = poll_error or (report.reason if report else None)
    return HealthResponse(
        enabled=integration.get("enabled") is True,
        last_webhook_at=webhook_at,
        last_webhook_lag_seconds=webhook_lag_seconds,
        poll=PollHealth(
            last_polled_at=typed_or_none(datetime, integration.get("lastPolledAt")),
            last_outcome=typed_or_none(str, poll.get("lastOutcome")),
            consecutive_failures=read_count(poll, "consecutiveFailures"),
            last_error=poll_error,
        ),
        reconciliation=report,
        full_reconciliation_at=typed_or_none(
            datetime, read_map(integration, "reconciliation").get("lastFullAt")
        ),
        missed_webhooks=read_count(poll, "missedWebhooks")
        + ((report.missed_webhooks if report else None) or 0),
        last_missed_at=typed_or_none(datetime, poll.get("lastMissedAt")),
        last_missed_lag_seconds=typed_or_none(int, poll.get("lastMissedLagSeconds")),
        webhooks_silent_since=silence.missed_since if silence.is_silent else None,
        failing_guests=guest_failures.count,
        next_guest_attempt_at=guest_failures.retry_at,
        last_guest_error=guest_failures.last_error,
        open_quarantine=backlog.open_count,
        oldest_open_quarantine_at=backlog.oldest_at,
        problems=[*problems, *read_texts(poll, "problems")],
        last_error=" ".join(problems) or (str(error) if error else None),
    )
