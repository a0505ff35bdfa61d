"""How much waits in a restaurant's quarantine for a person, and for how long."""

from datetime import datetime, timedelta

from google.cloud.firestore import FieldFilter
from msgspec import Struct

from shared.edge import paths
from shared.edge.reading import count_documents, read_documents
from shared.edge.services import AppContext
from shared.edge.telemetry import LogEvent, Severity, log_event


class QuarantineBacklog(Struct, frozen=True):
    """The open items of a quarantine.

    Attributes:
        open_count: How many.
        oldest_at: When the oldest of them first came, UTC; None where there is none.
    """

    open_count: int
    oldest_at: datetime | None


async def read_quarantine_backlog(context: AppContext, restaurant_id: str) -> QuarantineBacklog:
    """Return a restaurant's backlog, at the price of two reads.

    Args:
        context: The process's services.
        restaurant_id: Lineup's id.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    open_filter = FieldFilter("status", "==", "OPEN")
    # By its age: the time at which an item expires is not indexed.
    retention = timedelta(days=context.environment.quarantine_retention_days)
    retained_filter = FieldFilter("receivedAt", ">", context.clock() - retention)
    quarantine = paths.quarantine_collection(context.firestore, restaurant_id)
    items = quarantine.where(filter=open_filter).where(filter=retained_filter)
    oldest = await read_documents(items.order_by("receivedAt").select(["receivedAt"]), 1)
    if not oldest:
        return QuarantineBacklog(0, None)
    return QuarantineBacklog(await count_documents(items), oldest[0].get("receivedAt"))


async def log_quarantine_backlog(context: AppContext, restaurant_id: str) -> None:
    """Log a restaurant's backlog, for a metric and its alert.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    backlog = await read_quarantine_backlog(context, restaurant_id)
    oldest_age = context.clock() - backlog.oldest_at if backlog.oldest_at else None
    log_event(
        Severity.INFO,
        LogEvent.QUARANTINE,
        restaurantId=restaurant_id,
        openItems=backlog.open_count,
        oldestOpenSeconds=round(oldest_age.total_seconds()) if oldest_age else 0,
    )
