"""The calls about a restaurant's integration: its settings, and a trial of them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from functions.api.models import EmptyRequest, ResponseModel, UtcInstant
from functions.api.replies import ApiResponse
from functions.api.routing import RequestContext, Route
from functions.api.usable import require_stored_settings
from shared.domain.settings import IntegrationSettings, parse_settings
from shared.errors import InvalidSettingsError
from shared.polling.webhook_health import compute_usage_start, read_last_credential_uses
from shared.restaurants.settings import probe_connection, read_integration_document
from shared.staff.auth import Role


class CredentialSummary(ResponseModel):
    """Which credentials serve the restaurant, its own or the partner's; never what they are."""

    api: bool = Field(description="Whether OpenTable's API can be called.")
    webhook_secrets: int
    bearer_tokens: int
    basic_credentials: int


class CredentialUseResponse(ResponseModel):
    """When a webhook last came with one of the credentials."""

    scheme: str
    position: int = Field(description="Which of that scheme's credentials, 0 the newest.")
    last_used_at: UtcInstant


class IntegrationResponse(ResponseModel):
    """A restaurant's integration settings."""

    enabled: bool
    restaurant_id: str | None = Field(description="OpenTable's number, the rid.")
    time_zone: str | None
    country: str | None
    webhook_auth: list[str]
    secret: str | None = Field(description="The name of the restaurant's own secret.")
    credentials: CredentialSummary | None = Field(description="Null where they cannot be read.")
    key_uses: list[CredentialUseResponse] = Field(
        description="Of those that the newest webhooks came with."
    )
    key_uses_from: UtcInstant | None = Field(
        description="Since when uses are told: soon after credentials were last entered."
    )
    last_polled_at: UtcInstant | None
    updated_at: UtcInstant | None
    problems: list[str] = Field(description="What is to be mended, in words.")


async def get_integration(context: RequestContext[Any, Any]) -> ApiResponse:
    """Answer with the settings as they are stored."""
    document = (
        await read_integration_document(context.app_context.firestore, context.restaurant_id) or {}
    )
    settings = parse_settings(context.restaurant_id, document)
    credentials, problem = await _summarize_credentials(context, settings)
    usage_start = compute_usage_start(document)
    uses = await read_last_credential_uses(
        context.app_context.firestore, context.restaurant_id, usage_start
    )
    return ApiResponse(
        IntegrationResponse(
            enabled=settings.is_enabled,
            restaurant_id=settings.rid,
            time_zone=settings.zone.key if settings.zone else None,
            country=settings.country,
            webhook_auth=sorted(settings.webhook_auth),
            secret=settings.secret_id,
            credentials=credentials,
            key_uses=[
                CredentialUseResponse(scheme=use.scheme, position=use.position, last_used_at=use.at)
                for use in uses
            ],
            key_uses_from=usage_start,
            last_polled_at=_datetime_or_none(document.get("lastPolledAt")),
            updated_at=_datetime_or_none(document.get("updatedAt")),
            problems=[*settings.problems, *([problem] if problem else [])],
        )
    )


async def _summarize_credentials(
    context: RequestContext[Any, Any], settings: IntegrationSettings
) -> tuple[CredentialSummary | None, str | None]:
    try:
        credentials = await context.app_context.directory.load_credentials(settings)
    except InvalidSettingsError as error:
        return None, str(error)
    counts = CredentialSummary(
        api=credentials.has_api_credential,
        webhook_secrets=len(credentials.webhook_secrets),
        bearer_tokens=len(credentials.bearer_tokens),
        basic_credentials=len(credentials.basic_credentials),
    )
    return counts, None


def _datetime_or_none(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


class ConnectionTestResponse(ResponseModel):
    """How a trial of the connection ended."""

    works: bool
    rows: int = Field(description="Rows that came, of the one asked for; a new book is empty.")
    problem: str | None = Field(description="What to do where it does not work.")


async def check_connection(context: RequestContext[EmptyRequest, EmptyRequest]) -> ApiResponse:
    """Try the connection with the credentials as they are stored now."""
    result = await probe_connection(context.app_context, await require_stored_settings(context))
    return ApiResponse(
        ConnectionTestResponse(
            works=result.is_working, rows=result.row_count, problem=result.problem
        )
    )


ROUTES = (
    Route(
        "GET",
        "integration",
        Role.MANAGER,
        "The integration's settings, without any credential",
        get_integration,
        IntegrationResponse,
        EmptyRequest,
        EmptyRequest,
    ),
    Route(
        "POST",
        "integration/test",
        Role.MANAGER,
        "Try the connection to OpenTable",
        check_connection,
        ConnectionTestResponse,
        EmptyRequest,
        EmptyRequest,
    ),
)
