"""The call that changes an integration's settings, and takes new credentials."""

from typing import Any

from functions.api.integration import IntegrationResponse, get_integration
from functions.api.models import EmptyRequest
from functions.api.new_settings import SettingsRequest
from functions.api.replies import ApiError, ApiResponse
from functions.api.routing import RequestContext, Route
from shared.domain.settings import parse_settings
from shared.domain.webhook_auth.credentials import rotate_secret_payload
from shared.errors import InvalidSettingsError
from shared.log import LogEvent, Severity, log_event
from shared.restaurants.settings import RidTakenError, read_integration_document, update_settings
from shared.staff.auth import Role


async def update_integration(context: RequestContext[EmptyRequest, SettingsRequest]) -> ApiResponse:
    """Change the given settings, store new credentials, and return `get_integration`."""
    fields = context.body.to_stored_fields()
    _check_operator_fields(context, fields)
    stored = (
        await read_integration_document(context.app_context.firestore, context.restaurant_id) or {}
    )
    if context.body.credentials is not None:
        own_secret_id = f"opentable-{context.restaurant_id}"
        _check_secret_owner(context, fields.get("secret", stored.get("secret")), own_secret_id)
        await _store_credentials(context, own_secret_id)
        fields |= {"secret": own_secret_id, "credentialsChangedAt": context.app_context.clock()}
    if fields:
        await _store_settings(context, fields)
    context.app_context.directory.invalidate(parse_settings(context.restaurant_id, stored | fields))
    log_event(
        Severity.INFO,
        LogEvent.INTEGRATION_CHANGED,
        restaurantId=context.restaurant_id,
        by=context.user.uid,
        fields=" ".join(sorted(context.body.model_fields_set)),
    )
    return await get_integration(context)


def _check_operator_fields(context: RequestContext[Any, Any], fields: dict[str, Any]) -> None:
    reserved = sorted(fields.keys() & {"restaurantId", "secret"})
    if reserved and context.role < Role.OPERATOR:
        text = f"Only an operator may change {' and '.join(reserved)}; leave it out, or ask one."
        raise ApiError(403, "ROLE_REQUIRED", text)


def _check_secret_owner(
    context: RequestContext[Any, Any], secret: object, own_secret_id: str
) -> None:
    """Keep credentials out of a secret that other restaurants may share.

    A restaurant's id may even make its own secret's name the partner's.
    """
    is_partner_secret = own_secret_id == context.app_context.environment.partner_secret
    if is_partner_secret or (secret is not None and secret != own_secret_id):
        raise ApiError(
            409,
            "SECRET_NOT_OWNED",
            "An operator chose the secret that serves this restaurant; ask one to change it.",
        )


async def _store_credentials(
    context: RequestContext[Any, SettingsRequest], own_secret_id: str
) -> None:
    credentials = context.body.credentials
    if credentials is None:
        return
    new_payload, keep_previous = credentials.to_secret_payload(), credentials.keep_previous
    try:
        store = context.api_context.get_secret_store()
        await store.update_secret(
            own_secret_id,
            lambda stored_payload: rotate_secret_payload(
                stored_payload, new_payload, keep_previous=keep_previous
            ),
        )
    except InvalidSettingsError as problem:
        raise ApiError(409, "SECRET_NOT_WRITABLE", str(problem)) from None


async def _store_settings(
    context: RequestContext[Any, SettingsRequest], fields: dict[str, Any]
) -> None:
    try:
        now = context.app_context.clock()
        await update_settings(context.app_context.firestore, context.restaurant_id, fields, now)
    except RidTakenError:
        text = "Another restaurant holds this OpenTable number; check it, or free it there."
        raise ApiError(409, "RID_TAKEN", text) from None
    except InvalidSettingsError as problem:
        text = f"The integration cannot be switched on like this. {problem}"
        raise ApiError(409, "SETTINGS_UNUSABLE", text) from None


ROUTES = (
    Route(
        "PUT",
        "integration",
        Role.MANAGER,
        "Change some settings, or enter new credentials",
        update_integration,
        IntegrationResponse,
        EmptyRequest,
        SettingsRequest,
    ),
)
