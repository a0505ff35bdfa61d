"""A restaurant's patterns as its manager asks for them: one read for each day that was counted."""

from google.cloud.firestore import AsyncClient, FieldFilter

from shared.core.pattern_sums import Days
from shared.core.patterns import counts_from
from shared.core.system import System
from shared.core.window import Window
from shared.edge import paths
from shared.edge.reading import read_some


async def read_patterns(client: AsyncClient, restaurant_id: str, window: Window) -> Days:
    """Return the days of a window that were counted.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        window: Which days.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    stored, wanted = paths.patterns(client, restaurant_id), window.days()
    # By name, which needs no index.
    first = FieldFilter("__name__", ">=", stored.document(wanted[0]))
    last = FieldFilter("__name__", "<=", stored.document(wanted[-1]))
    found = await read_some(stored.where(filter=first).where(filter=last), len(wanted))
    days = {each.id: each.get("sources") for each in found}
    return {
        day: {System(name): counts_from(counts) for name, counts in days[day].items()}
        for day in wanted
        if day in days
    }
