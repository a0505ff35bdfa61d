"""A restaurant's settings for a call that cannot do without them."""

from typing import Any

from functions.staff.replies import RefusalError
from functions.staff.routing import Visit
from shared.core.settings import Settings
from shared.edge.staff.integration import read_settings
from shared.errors import InvalidSettingsError


async def usable_settings(visit: Visit[Any, Any]) -> Settings:
    """Return a restaurant's settings, at most a minute old.

    Raises:
        RefusalError: When it has none, or they must be mended first.
        LedgerUnavailableError: When they cannot be read now.
    """
    settings = await visit.services.directory.by_restaurant_id(visit.restaurant_id)
    return _checked(settings)


async def settings_as_stored(visit: Visit[Any, Any]) -> Settings:
    """Return a restaurant's settings past every cache; else as `usable_settings`."""
    return _checked(await read_settings(visit.services.firestore, visit.restaurant_id))


def _checked(settings: Settings | None) -> Settings:
    if settings is None:
        raise unusable("This restaurant has no OpenTable integration yet.")
    try:
        settings.usable_zone()
    except InvalidSettingsError as problem:
        raise unusable(str(problem)) from None
    return settings


def unusable(problem: str) -> RefusalError:
    """Return the refusal of a call that settings as they are do not allow."""
    text = f"{problem} A manager can mend this under Integration."
    return RefusalError(409, "SETTINGS_UNUSABLE", text)
