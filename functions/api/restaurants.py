"""The caller's restaurants, the caller's role in one of them, and its health."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from functions.api.auth import AnyUserContext, HostContext
from functions.api.reports import ReportSummary, read_report_summaries
from functions.api.requests import API_PREFIX, PageLimit, RequestModel, StaffRoute
from functions.api.responses import ResponseModel, StructResponseModel, UtcInstant
from functions.api.webhooks import RefusalResponse
from shared.domain.health import HealthStatus, webhook_silence_from_document
from shared.domain.settings import parse_settings
from shared.domain.validation import read_count, read_map, read_texts, typed_or_none
from shared.guests.failures import guest_failure_summary_from_document
from shared.ingest.deliveries import read_last_webhook
from shared.quarantine.store import read_quarantine_backlog
from shared.reconciliation.report_store import MAX_RECENT_REPORTS
from shared.restaurants.overview import RestaurantOverview, list_all_restaurants, read_overviews
from shared.restaurants.settings import read_integration_document, resolve_locale
from shared.staff.members import list_memberships

router = APIRouter(route_class=StaffRoute)


class RestaurantListRequest(RequestModel):
    """Which page of the restaurants, and how much of each."""

    limit: PageLimit = 100
    cursor: Annotated[str, Field(max_length=1_000)] | None = Field(
        None, description="`nextCursor` of the page before."
    )
    include: Literal["counts"] | None = Field(
        None,
        description="`counts` adds counts and refused webhooks, for four or more reads a "
        "restaurant. The health then considers them.",
    )


class RestaurantHealthResponse(StructResponseModel):
    """The summary of a restaurant's health."""

    status: HealthStatus
    reasons: list[str] = Field(description="Codes of the causes, the worst first.")
    last_polled_at: UtcInstant | None
    last_reconciled_at: UtcInstant | None
    webhooks_silent_since: UtcInstant | None
    divergences: int | None = Field(description="Divergences that wait for a decision.")


class RestaurantCountsResponse(StructResponseModel):
    """What waits for a person, and what the day brings."""

    open_quarantine: int
    covers_today: int | None = Field(description="As of the last reconciliation; null if unknown.")


class RestaurantResponse(ResponseModel):
    """A restaurant of the caller."""

    id: str
    name: str | None = Field(description="Null until a manager sets it.")
    time_zone: str | None
    role: str = Field(description="The caller's: `host`, `manager` or `operator`.")
    health: RestaurantHealthResponse | None = Field(
        description="Null for a restaurant without an OpenTable integration."
    )
    counts: RestaurantCountsResponse | None = Field(description="Only with `include=counts`.")
    refusals: list[RefusalResponse] | None = Field(description="Only with `include=counts`.")


class RestaurantListResponse(ResponseModel):
    """Restaurants by id."""

    restaurants: list[RestaurantResponse]
    next_cursor: str | None = Field(
        description="Null on the last page. A page may be shorter than the limit, even empty."
    )


@router.get("/api/restaurants", summary="List the caller's restaurants")
async def list_restaurants(
    context: AnyUserContext, query: Annotated[RestaurantListRequest, Query()]
) -> RestaurantListResponse:
    """Return the restaurants in which the caller is staff; for an operator, all with settings."""
    client, user = context.firestore, context.user
    if user.is_operator:
        memberships, next_cursor = await list_all_restaurants(client, query.limit, query.cursor)
    else:
        memberships, next_cursor = await list_memberships(
            client, user.uid, query.limit, query.cursor
        )
    with_counts = query.include == "counts"
    overviews = await read_overviews(context.app_context, memberships, with_counts=with_counts)
    return RestaurantListResponse(
        restaurants=[_build_restaurant_response(overview) for overview in overviews],
        next_cursor=next_cursor,
    )


def _build_restaurant_response(overview: RestaurantOverview) -> RestaurantResponse:
    membership, settings = overview.membership, overview.settings
    health, counts, refusals = overview.health, overview.counts, overview.refusals
    return RestaurantResponse(
        id=membership.restaurant_id,
        name=settings.name if settings else None,
        time_zone=settings.zone.key if settings and settings.zone else None,
        role=membership.role.code,
        health=RestaurantHealthResponse.model_validate(health) if health else None,
        counts=RestaurantCountsResponse.model_validate(counts) if counts else None,
        # An empty list differs from None: no webhook was refused.
        refusals=(
            None
            if refusals is None
            else [RefusalResponse.model_validate(each) for each in refusals]
        ),
    )


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


@router.get(f"{API_PREFIX}/me", summary="Get the caller's role")
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


@router.get(f"{API_PREFIX}/health", summary="Get the restaurant's health")
async def get_health(context: HostContext) -> HealthResponse:
    """Return the newest result of each channel (about seven reads)."""
    app_context, restaurant_id = context.app_context, context.restaurant_id
    document, (webhook_at, webhook_lag_seconds), summaries, backlog = await asyncio.gather(
        read_integration_document(context.firestore, restaurant_id),
        read_last_webhook(app_context, restaurant_id),
        read_report_summaries(context, MAX_RECENT_REPORTS),
        read_quarantine_backlog(app_context, restaurant_id),
    )
    integration: dict[str, Any] = document or {}
    poll = read_map(integration, "poll")
    problems = parse_settings(restaurant_id, integration).problems
    silence = webhook_silence_from_document(integration)
    guest_failures = guest_failure_summary_from_document(integration)
    # A dry run changes nothing, so it does not show what the ledger contains.
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
