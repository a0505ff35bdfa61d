"""Trying a restaurant's connection to OpenTable: a real token, and one row."""

from msgspec import Struct

from shared.core.settings import IntegrationSettings
from shared.edge.opentable.access import OpenTableAccess
from shared.edge.opentable.clock import Deadline
from shared.edge.services import AppContext
from shared.errors import InvalidSettingsError, OpenTableError

CONNECTION_TEST_TIMEOUT_SECONDS = 12.0


class ConnectionTestResult(Struct, frozen=True):
    """How a trial of the connection ended.

    Attributes:
        is_working: Whether OpenTable answered with the restaurant's rows.
        row_count: How many of its rows came, of the one asked for; a new book may be empty.
        problem: What to do where it did not, in words.
    """

    is_working: bool
    row_count: int = 0
    problem: str | None = None


async def probe_connection(
    context: AppContext, settings: IntegrationSettings
) -> ConnectionTestResult:
    """Ask OpenTable for one of the restaurant's reservations, with its present credentials.

    Args:
        context: The process's services.
        settings: The restaurant's, as they are stored now.

    Raises:
        LedgerUnavailableError: When the credentials cannot be read now.
    """
    context.directory.invalidate(settings)
    deadline = Deadline.after(CONNECTION_TEST_TIMEOUT_SECONDS)
    try:
        settings.require_zone()
        access = OpenTableAccess(
            settings.require_rid(), await context.directory.load_credentials(settings)
        )
        row_count = await context.opentable.probe_listing(access, deadline)
    except (InvalidSettingsError, OpenTableError) as error:
        return ConnectionTestResult(is_working=False, problem=str(error))
    return ConnectionTestResult(is_working=True, row_count=row_count)
