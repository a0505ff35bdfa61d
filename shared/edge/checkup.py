"""A look at what would keep a restaurant's webhooks out, once a poll."""

from shared.core.checkup import shortcomings
from shared.edge import paths
from shared.edge.connection import Connection
from shared.edge.reading import read_one
from shared.edge.telemetry import Event, Severity, log


async def check_up(connection: Connection) -> list[str]:
    """Return what is to be mended, a sentence each, having logged it; it costs one read.

    Args:
        connection: To the restaurant's book.

    Raises:
        LedgerUnavailableError: When the claim of the restaurant's rid cannot be read.
    """
    client, settings = connection.services.firestore, connection.settings
    claim = (await read_one(paths.route(client, settings.usable_rid()))).to_dict() or {}
    named = claim.get("restaurantId")
    claimed_by = named if isinstance(named, str) else None
    problems = shortcomings(settings, connection.access.credentials, claimed_by)
    for problem in problems:
        log(
            Severity.WARNING,
            Event.SETTINGS_DOUBTFUL,
            restaurantId=settings.restaurant_id,
            problem=problem,
        )
    return list(problems)
