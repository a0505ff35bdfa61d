"""Trying a restaurant's connection to OpenTable: a real token, and one row."""

from msgspec import Struct

from shared.core.settings import Settings
from shared.edge.opentable.access import Access
from shared.edge.opentable.clock import Deadline
from shared.edge.services import Services
from shared.errors import InvalidSettingsError, OpenTableError

TEST_SECONDS = 12.0


class Trial(Struct, frozen=True):
    """How a trial of the connection ended.

    Attributes:
        works: Whether OpenTable answered with the restaurant's rows.
        rows: How many of its rows came, of the one asked for; a new book may be empty.
        problem: What to do where it did not, in words.
    """

    works: bool
    rows: int = 0
    problem: str | None = None


async def try_connection(services: Services, settings: Settings) -> Trial:
    """Ask OpenTable for one of the restaurant's reservations, with its present credentials.

    Args:
        services: The process's services.
        settings: The restaurant's, as they are stored now.

    Raises:
        LedgerUnavailableError: When the credentials cannot be read now.
    """
    services.directory.forget(settings)
    deadline = Deadline.after(TEST_SECONDS)
    try:
        settings.usable_zone()
        access = Access(settings.usable_rid(), await services.directory.credentials(settings))
        rows = await services.opentable.try_listing(access, deadline)
    except (InvalidSettingsError, OpenTableError) as error:
        return Trial(works=False, problem=str(error))
    return Trial(works=True, rows=rows)
