"""A restaurant's settings for a call that cannot do without them."""

from typing import Any

from functions.api.replies import ApiError
from functions.api.routing import RequestContext
from shared.domain.settings import IntegrationSettings
from shared.errors import InvalidSettingsError
from shared.restaurants.settings import read_settings


async def require_cached_settings(context: RequestContext[Any, Any]) -> IntegrationSettings:
    """Return a restaurant's settings, at most a minute old.

    Raises:
        RefusalError: When it has none, or they must be mended first.
        LedgerUnavailableError: When they cannot be read now.
    """
    settings = await context.app_context.directory.find_by_restaurant_id(context.restaurant_id)
    return _require_usable(settings)


async def require_stored_settings(context: RequestContext[Any, Any]) -> IntegrationSettings:
    """Return a restaurant's settings past every cache; else as `require_cached_settings`."""
    return _require_usable(
        await read_settings(context.app_context.firestore, context.restaurant_id)
    )


def _require_usable(settings: IntegrationSettings | None) -> IntegrationSettings:
    if settings is None:
        raise build_settings_error("This restaurant has no OpenTable integration yet.")
    try:
        settings.require_zone()
    except InvalidSettingsError as problem:
        raise build_settings_error(str(problem)) from None
    return settings


def build_settings_error(problem: str) -> ApiError:
    """Return the refusal of a call that settings as they are do not allow."""
    text = f"{problem} A manager can mend this under Integration."
    return ApiError(409, "SETTINGS_UNUSABLE", text)
