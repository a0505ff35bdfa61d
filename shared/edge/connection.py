"""One restaurant's connection to OpenTable, for one piece of work."""

from msgspec import Struct

from shared.core.settings import Settings
from shared.edge.opentable.access import Access
from shared.edge.opentable.clock import Deadline
from shared.edge.services import Services


class Connection(Struct, frozen=True):
    """What it takes to ask OpenTable about a restaurant, and to write down what it answers.

    Attributes:
        services: The process's services.
        settings: The restaurant's, usable.
        access: Its API credential.
        deadline: Bounds the work.
    """

    services: Services
    settings: Settings
    access: Access
    deadline: Deadline


async def connect(services: Services, settings: Settings, deadline: Deadline) -> Connection:
    """Return a restaurant's connection.

    Raises:
        InvalidSettingsError: When its settings or credentials must be mended first.
        LedgerUnavailableError: When its credentials cannot be read now.
    """
    settings.usable_zone()
    rid, credentials = settings.usable_rid(), await services.directory.credentials(settings)
    return Connection(services, settings, Access(rid, credentials), deadline)
