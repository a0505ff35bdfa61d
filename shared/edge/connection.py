"""One restaurant's connection to OpenTable, for one piece of work."""

from msgspec import Struct

from shared.core.settings import IntegrationSettings
from shared.edge.opentable.access import OpenTableAccess
from shared.edge.opentable.clock import Deadline
from shared.edge.services import AppContext


class RestaurantContext(Struct, frozen=True):
    """What it takes to ask OpenTable about a restaurant, and to write down what it answers.

    Attributes:
        context: The process's services.
        settings: The restaurant's, usable.
        access: Its API credential.
        deadline: Bounds the work.
    """

    context: AppContext
    settings: IntegrationSettings
    access: OpenTableAccess
    deadline: Deadline


async def load_restaurant_context(
    context: AppContext, settings: IntegrationSettings, deadline: Deadline
) -> RestaurantContext:
    """Return a restaurant's connection.

    Raises:
        InvalidSettingsError: When its settings or credentials must be mended first.
        LedgerUnavailableError: When its credentials cannot be read now.
    """
    settings.require_zone()
    rid, credentials = settings.require_rid(), await context.directory.load_credentials(settings)
    return RestaurantContext(context, settings, OpenTableAccess(rid, credentials), deadline)
