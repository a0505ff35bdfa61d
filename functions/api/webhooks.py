"""The restaurant's webhooks: address, deliveries, refusals, new credentials, a test event."""

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import Field, StrictBool

from functions.api.auth import ManagerContext
from functions.api.integration import build_settings_error, require_stored_settings
from functions.api.integration_settings import SettingsRequest, change_integration
from functions.api.requests import API_PREFIX, RequestModel, StaffRoute
from functions.api.responses import (
    BODY_ERROR_RESPONSES,
    ResponseModel,
    StructResponseModel,
    UtcInstant,
)
from shared.context import RestaurantContext
from shared.domain.settings import WebhookAuthScheme, parse_settings
from shared.domain.validation import typed_or_none
from shared.domain.webhook_auth import CREDENTIAL_KEYS
from shared.errors import InvalidSettingsError
from shared.ingest.deliveries import MAX_DELIVERIES, read_recent_webhooks
from shared.restaurants.settings import read_integration_document
from shared.restaurants.webhook_credentials import generate_credential, probe_webhook

router = APIRouter(prefix=f"{API_PREFIX}/integration/webhooks", route_class=StaffRoute)


class DeliveryResponse(StructResponseModel):
    """A received webhook, or several equal ones."""

    at: UtcInstant = Field(description="Receipt; of the newest one if there are several.")
    outcome: str = Field(
        description="`created`, `updated`, `unchanged`, `stale`, `quarantined` or `refused`."
    )
    count: int
    scheme: str | None
    credential_index: int | None = Field(
        description="Position of the matching credential at that time, 0 is the newest."
    )
    reason: str | None = Field(description="The code of a quarantined or refused webhook.")
    event_type: str | None
    event_id: str | None
    occurred_at: UtcInstant | None = Field(description="The sender's time of the event.")
    reservation_id: str | None
    quarantine_id: str | None


class RefusalResponse(StructResponseModel):
    """Refused webhooks that no accepted one followed."""

    scheme: str
    reason: str
    count: int
    since: UtcInstant
    last_at: UtcInstant


class WebhooksRequest(RequestModel):
    """How many deliveries."""

    limit: Annotated[int, Field(ge=1, le=MAX_DELIVERIES)] = MAX_DELIVERIES


class WebhooksResponse(ResponseModel):
    """The state of the restaurant's webhooks."""

    url: str | None = Field(description="Where OpenTable or the relay sends webhooks, if known.")
    accepted_schemes: list[WebhookAuthScheme]
    last_webhook_at: UtcInstant | None = Field(description="The last webhook with a change.")
    last_polled_at: UtcInstant | None = Field(description="End of the last completed poll.")
    refusals: list[RefusalResponse]
    deliveries: list[DeliveryResponse] = Field(
        description="Newest first. A repeated webhook changes nothing and is not listed."
    )


@router.get("", summary="Get the webhooks' address, recent deliveries and refusals")
async def get_webhooks(
    context: ManagerContext, query: Annotated[WebhooksRequest, Query()]
) -> WebhooksResponse:
    """Return the state of the restaurant's webhooks."""
    app_context, restaurant_id = context.app_context, context.restaurant_id
    document, webhooks = await asyncio.gather(
        read_integration_document(context.firestore, restaurant_id),
        read_recent_webhooks(app_context, restaurant_id, query.limit),
    )
    integration = document or {}
    return WebhooksResponse(
        url=app_context.environment.webhook_url,
        accepted_schemes=sorted(parse_settings(restaurant_id, integration).webhook_auth),
        last_webhook_at=webhooks.last_journaled_at,
        last_polled_at=typed_or_none(datetime, integration.get("lastPolledAt")),
        refusals=[RefusalResponse.model_validate(each) for each in webhooks.unresolved_refusals],
        deliveries=[DeliveryResponse.model_validate(each) for each in webhooks.deliveries],
    )


class NewCredentialRequest(RequestModel):
    """Which credential to generate."""

    scheme: WebhookAuthScheme
    keep_previous: StrictBool = Field(
        default=True, description="Whether the newest stored credential of the scheme stays valid."
    )


class NewCredentialResponse(ResponseModel):
    """A generated credential; no later call returns it."""

    scheme: WebhookAuthScheme
    credential: str = Field(description="Give it to the sender now. It is not shown again.")


@router.post(
    "/credentials", summary="Generate a webhook credential", responses=BODY_ERROR_RESPONSES
)
async def generate_webhook_credential(
    context: ManagerContext, body: Annotated[NewCredentialRequest, Body()]
) -> NewCredentialResponse:
    """Generate, store and return a credential. This is the only response that contains it."""
    credential = generate_credential(body.scheme)
    credentials = {CREDENTIAL_KEYS[body.scheme]: [credential], "keepPrevious": body.keep_previous}
    await change_integration(context, SettingsRequest.model_validate({"credentials": credentials}))
    return NewCredentialResponse(scheme=body.scheme, credential=credential)


class WebhookTestRequest(RequestModel):
    """How the test event is authenticated."""

    scheme: WebhookAuthScheme | None = Field(
        None, description="Null selects an accepted scheme with a credential."
    )


class WebhookTestResponse(ResponseModel):
    """The result of a test event."""

    works: bool
    scheme: WebhookAuthScheme
    http_status: int | None = Field(description="The status of the response; null without one.")
    duration_ms: int
    problem: str | None = Field(description="What to do if the event was not accepted.")


@router.post("/test", summary="Send a test event", responses=BODY_ERROR_RESPONSES)
async def send_test_event(
    context: ManagerContext,
    body: Annotated[WebhookTestRequest, Body(default_factory=WebhookTestRequest)],
) -> WebhookTestResponse:
    """Send an authenticated event that changes nothing to the address of the webhooks."""
    restaurant = RestaurantContext(context.app_context, await require_stored_settings(context))
    try:
        result = await probe_webhook(restaurant, body.scheme)
    except InvalidSettingsError as problem:
        raise build_settings_error(str(problem)) from None
    return WebhookTestResponse(
        works=result.problem is None,
        scheme=result.scheme,
        http_status=result.status_code,
        duration_ms=round(result.duration_seconds * 1000),
        problem=result.problem,
    )
