"""A look at what would keep a restaurant's webhooks out, once a poll."""

from shared.core.checkup import webhook_config_problems
from shared.edge import paths
from shared.edge.connection import RestaurantContext
from shared.edge.reading import read_document
from shared.edge.telemetry import LogEvent, Severity, log_event


async def check_webhook_settings(restaurant: RestaurantContext) -> list[str]:
    """Return what is to be mended, a sentence each, having logged it; it costs one read.

    Args:
        restaurant: To the restaurant's book.

    Raises:
        LedgerUnavailableError: When the claim of the restaurant's rid cannot be read.
    """
    client, settings = restaurant.context.firestore, restaurant.settings
    claim = (
        await read_document(paths.rid_claim_document(client, settings.require_rid()))
    ).to_dict() or {}
    claimant = claim.get("restaurantId")
    claimed_by = claimant if isinstance(claimant, str) else None
    problems = webhook_config_problems(settings, restaurant.access.credentials, claimed_by)
    for problem in problems:
        log_event(
            Severity.WARNING,
            LogEvent.SETTINGS_WARNING,
            restaurantId=settings.restaurant_id,
            problem=problem,
        )
    return list(problems)
