"""A restaurant's integration: its settings, a test of the connection, and the backfill."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Body, Header, Response
from pydantic import Field, model_validator

from functions.api.auth import ManagerContext, RequestContext
from functions.api.integration_settings import (
    SettingsRequest,
    change_integration,
    compute_settings_etag,
)
from functions.api.requests import API_PREFIX, LocalDate, RequestModel, StaffRoute
from functions.api.responses import (
    BODY_ERROR_RESPONSES,
    PRECONDITION_ERROR_RESPONSES,
    ApiError,
    ResponseModel,
    UtcInstant,
    build_invalid_request_error,
)
from shared.context import RestaurantContext
from shared.domain.backfill import ROW_COUNTERS, Backfill
from shared.domain.days import DateWindow
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.domain.validation import typed_or_none
from shared.errors import BackfillInProgressError, EnqueueError, InvalidSettingsError
from shared.ingest.deliveries import compute_usage_start, read_last_credential_uses
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.settings import probe_connection, read_integration_document, read_settings
from shared.tasks.queue import POLL_FUNCTION, QueuedTask

router = APIRouter(prefix=f"{API_PREFIX}/integration", route_class=StaffRoute)


class CredentialSummary(ResponseModel):
    """How many credentials serve the restaurant, its own or the partner's; never their values."""

    api: bool = Field(description="Whether OpenTable's API can be called.")
    webhook_secrets: int
    bearer_tokens: int
    basic_credentials: int


class CredentialUseResponse(ResponseModel):
    """When a webhook last used a credential."""

    scheme: str
    position: int = Field(description="Position among the scheme's credentials, 0 is the newest.")
    last_used_at: UtcInstant


class IntegrationResponse(ResponseModel):
    """A restaurant's integration settings."""

    name: str | None = Field(description="What people call the restaurant.")
    enabled: bool
    restaurant_id: str | None = Field(description="OpenTable's restaurant number, the rid.")
    time_zone: str | None
    country: str | None
    service_day_ends_at: str = Field(description="Local time, HH:MM.")
    locale: str | None = Field(description="Null uses that of the country.")
    hour_cycle: str | None = Field(description="`h12` or `h23`; null uses that of the locale.")
    webhook_auth: list[str]
    secret: str | None = Field(description="The name of the restaurant's own secret.")
    credentials: CredentialSummary | None = Field(description="Null if they cannot be read.")
    key_uses: list[CredentialUseResponse] = Field(
        description="Credentials used by the newest webhooks."
    )
    key_uses_from: UtcInstant | None = Field(
        description="Start of the reported uses: 5 s after the last new credentials."
    )
    last_polled_at: UtcInstant | None
    updated_at: UtcInstant | None = Field(description="The last change of a setting.")
    updated_by_name: str | None = Field(description="Who made it, if known.")
    problems: list[str] = Field(description="What to correct in the settings.")


@router.get("", summary="Get the integration's settings")
async def get_integration(context: ManagerContext, response: Response) -> IntegrationResponse:
    """Return the settings as they are stored, without any credential. The ETag is their version."""
    return await _read_integration(context, response)


async def _read_integration(context: RequestContext, response: Response) -> IntegrationResponse:
    restaurant_id = context.restaurant_id
    document = await read_integration_document(context.firestore, restaurant_id) or {}
    response.headers["ETag"] = compute_settings_etag(document)
    settings = parse_settings(restaurant_id, document)
    problems = list(settings.problems)
    summary: CredentialSummary | None = None
    try:
        credentials = await context.app_context.directory.load_credentials(settings)
    except InvalidSettingsError as error:
        problems.append(str(error))
    else:
        summary = CredentialSummary(
            api=credentials.has_api_credential,
            webhook_secrets=len(credentials.webhook_secrets),
            bearer_tokens=len(credentials.bearer_tokens),
            basic_credentials=len(credentials.basic_credentials),
        )
    usage_start = compute_usage_start(document)
    uses = await read_last_credential_uses(context.app_context, restaurant_id, usage_start)
    updated_by = document.get("updatedBy")
    names = await context.read_names([updated_by])
    return IntegrationResponse(
        name=settings.name,
        enabled=settings.is_enabled,
        restaurant_id=settings.rid,
        time_zone=settings.zone.key if settings.zone else None,
        country=settings.country,
        service_day_ends_at=f"{settings.service_day_ends_at:%H:%M}",
        locale=settings.locale,
        hour_cycle=settings.hour_cycle,
        webhook_auth=sorted(settings.webhook_auth),
        secret=settings.secret_id,
        credentials=summary,
        key_uses=[
            CredentialUseResponse(
                scheme=use.scheme, position=use.credential_index, last_used_at=use.at
            )
            for use in uses
        ],
        key_uses_from=usage_start,
        last_polled_at=typed_or_none(datetime, document.get("lastPolledAt")),
        updated_at=typed_or_none(datetime, document.get("updatedAt")),
        updated_by_name=names.get(str(updated_by)),
        problems=problems,
    )


@router.put(
    "",
    summary="Change settings or enter new credentials",
    responses=BODY_ERROR_RESPONSES | PRECONDITION_ERROR_RESPONSES,
)
async def update_integration(
    context: ManagerContext,
    body: Annotated[SettingsRequest, Body(default_factory=SettingsRequest)],
    response: Response,
    if_match: Annotated[str, Header()] = "",
) -> IntegrationResponse:
    """Change the given settings, store new credentials, and return the settings.

    With the ETag of the settings in If-Match, settings changed by another person stay unchanged.
    """
    await change_integration(context, body, if_match)
    return await _read_integration(context, response)


class ConnectionTestResponse(ResponseModel):
    """The result of a connection test."""

    works: bool
    rows: int = Field(description="Reservations received, from last week on, at most a page.")
    duration_ms: int = Field(description="Until OpenTable's answer, a new token included.")
    problem: str | None = Field(description="What to do if the connection fails.")
    details: str | None = Field(description="The technical cause, for OpenTable's support.")


@router.post("/test", summary="Test the connection to OpenTable")
async def check_connection(context: ManagerContext) -> ConnectionTestResponse:
    """Request a token and a page of reservations, and compare their times with the time zone."""
    settings = await require_stored_settings(context)
    result = await probe_connection(RestaurantContext(context.app_context, settings))
    return ConnectionTestResponse(
        works=result.is_working,
        rows=result.row_count,
        duration_ms=round(result.duration_seconds * 1000),
        problem=result.problem,
        details=result.details,
    )


class BackfillRequest(RequestModel):
    """Which days: local dates, both inclusive."""

    start_date: LocalDate | None = Field(None, description="The default is 30 days ago.")
    end_date: LocalDate | None = Field(None, description="The default is 365 days ahead.")

    @model_validator(mode="after")
    def _check_date_range(self) -> Self:
        if self.start_date and self.end_date:
            DateWindow(self.start_date, self.end_date)
        return self


class BackfillResponse(ResponseModel):
    """The progress of a backfill."""

    status: str = Field(description="`NONE`, `RUNNING`, `COMPLETED` or `FAILED`.")
    start_date: str | None = None
    end_date: str | None = None
    days_done: int = 0
    days_total: int = 0
    fetched: int = Field(
        0, description="Rows received from OpenTable: the sum of the next five fields."
    )
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0
    started_at: UtcInstant | None = None
    updated_at: UtcInstant | None = None
    finished_at: UtcInstant | None = None
    seconds_left: int | None = Field(
        None,
        description="Working time left at the current pace; null if unknown or not running.",
    )
    error: str | None = Field(None, description="The last error, and what to do.")


@router.post("/backfill", summary="Start a backfill", responses=BODY_ERROR_RESPONSES)
async def request_backfill(
    context: ManagerContext,
    body: Annotated[BackfillRequest, Body(default_factory=BackfillRequest)],
) -> BackfillResponse:
    """Start a backfill, or resume a failed one, and return its progress."""
    from shared.polling.backfill import start_backfill  # noqa: PLC0415 -- loads the OpenTable client

    if not (await require_stored_settings(context)).is_enabled:
        text = "The integration is disabled. Enable it, then start the backfill."
        raise ApiError(409, "INTEGRATION_DISABLED", text)
    try:
        backfill = await start_backfill(
            context.app_context, context.restaurant_id, body.start_date, body.end_date
        )
    except BackfillInProgressError as conflict:
        raise ApiError(409, "BACKFILL_RUNNING", str(conflict)) from None
    except InvalidSettingsError as problem:
        raise ApiError(409, "SETTINGS_UNUSABLE", str(problem)) from None
    except ValueError as problem:
        raise build_invalid_request_error(str(problem)) from None
    queue, enqueue_error = context.app_context.queue, None
    # A task runs the backfill at once; without one, the next poll continues it.
    if queue is not None and backfill.is_running:
        task_body = {"restaurantId": context.restaurant_id, "backfill": True}
        task = QueuedTask(POLL_FUNCTION, task_body, backfill.updated_at.isoformat())
        try:
            await queue.enqueue(task)
        except EnqueueError as error:
            enqueue_error = str(error)
    log_event(
        Severity.INFO,
        LogEvent.BACKFILL_STARTED,
        restaurantId=context.restaurant_id,
        by=context.user.uid,
        error=enqueue_error,
    )
    return _build_backfill_response(backfill)


@router.get("/backfill", summary="Get the progress of the newest backfill")
async def get_backfill(context: ManagerContext) -> BackfillResponse:
    """Return the progress of the newest backfill."""
    from shared.polling.backfill import read_backfill  # noqa: PLC0415 -- loads the OpenTable client

    return _build_backfill_response(await read_backfill(context.app_context, context.restaurant_id))


def _build_backfill_response(backfill: Backfill | None) -> BackfillResponse:
    if backfill is None:
        return BackfillResponse(status="NONE")
    seconds_left = backfill.remaining_seconds
    return BackfillResponse(
        status=backfill.status.value,
        start_date=backfill.window.start.isoformat(),
        end_date=backfill.window.end.isoformat(),
        days_done=backfill.completed_days,
        days_total=backfill.total_days,
        started_at=backfill.started_at,
        updated_at=backfill.updated_at,
        finished_at=backfill.finished_at,
        seconds_left=None if seconds_left is None else round(seconds_left),
        error=backfill.error,
        **{name: backfill.counts[name] for name in ROW_COUNTERS},
    )


async def require_cached_settings(context: RequestContext) -> IntegrationSettings:
    """Return the settings, at most 60 s old, or raise a 409 error if they are unusable."""
    directory = context.app_context.directory
    return _require_usable_settings(await directory.find_by_restaurant_id(context.restaurant_id))


async def require_stored_settings(context: RequestContext) -> IntegrationSettings:
    """Return the settings without a cache, or raise a 409 error if they are unusable."""
    stored = await read_settings(context.firestore, context.restaurant_id)
    return _require_usable_settings(stored)


def _require_usable_settings(settings: IntegrationSettings | None) -> IntegrationSettings:
    if settings is None:
        raise build_settings_error("This restaurant has no OpenTable integration yet.")
    try:
        settings.require_zone()
    except InvalidSettingsError as problem:
        raise build_settings_error(str(problem)) from None
    return settings


def build_settings_error(problem: str) -> ApiError:
    """Return the error for unusable settings."""
    text = f"{problem} A manager can correct this under OpenTable connection."
    return ApiError(409, "SETTINGS_UNUSABLE", text)
