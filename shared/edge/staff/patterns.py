"""A restaurant's patterns as its manager asks for them: one read for each day that was counted."""

from google.cloud.firestore import AsyncClient, FieldFilter

from shared.core.pattern_sums import AnalyticsDays
from shared.core.patterns import counts_from_map
from shared.core.system import ReservationSystem
from shared.core.window import DateWindow
from shared.edge import paths
from shared.edge.reading import read_documents


async def read_analytics_days(
    client: AsyncClient, restaurant_id: str, window: DateWindow
) -> AnalyticsDays:
    """Return the days of a window that were counted.

    Args:
        client: The process's Firestore client.
        restaurant_id: Lineup's id.
        window: Which days.

    Raises:
        LedgerUnavailableError: When they cannot be read now.
    """
    collection, requested_days = (
        paths.analytics_collection(client, restaurant_id),
        window.list_dates(),
    )
    # By name, which needs no index.
    first = FieldFilter("__name__", ">=", collection.document(requested_days[0]))
    last = FieldFilter("__name__", "<=", collection.document(requested_days[-1]))
    snapshots = await read_documents(
        collection.where(filter=first).where(filter=last), len(requested_days)
    )
    days = {snapshot.id: snapshot.get("sources") for snapshot in snapshots}
    return {
        day: {
            ReservationSystem(name): counts_from_map(counts) for name, counts in days[day].items()
        }
        for day in requested_days
        if day in days
    }
