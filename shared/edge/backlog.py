"""How much waits in a restaurant's quarantine for a person, and for how long."""

from datetime import datetime, timedelta

from google.cloud.firestore import FieldFilter
from msgspec import Struct

from shared.edge import paths
from shared.edge.reading import count, read_some
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log


class Backlog(Struct, frozen=True):
    """The open items of a quarantine.

    Attributes:
        open_items: How many.
        oldest_at: When the oldest of them first came, UTC; None where there is none.
    """

    open_items: int
    oldest_at: datetime | None


async def read_backlog(services: Services, restaurant_id: str) -> Backlog:
    """Return a restaurant's backlog, at the price of two reads.

    Args:
        services: The process's services.
        restaurant_id: Lineup's id.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    is_open = FieldFilter("status", "==", "OPEN")
    # By its age: the time at which an item expires is not indexed.
    life = timedelta(days=services.environment.quarantine_days)
    is_kept = FieldFilter("receivedAt", ">", services.clock() - life)
    quarantine = paths.quarantine(services.firestore, restaurant_id)
    items = quarantine.where(filter=is_open).where(filter=is_kept)
    oldest = await read_some(items.order_by("receivedAt").select(["receivedAt"]), 1)
    if not oldest:
        return Backlog(0, None)
    return Backlog(await count(items), oldest[0].get("receivedAt"))


async def log_backlog(services: Services, restaurant_id: str) -> None:
    """Log a restaurant's backlog, for a metric and its alert.

    Raises:
        LedgerUnavailableError: When it cannot be read now.
    """
    backlog = await read_backlog(services, restaurant_id)
    waiting = services.clock() - backlog.oldest_at if backlog.oldest_at else None
    log(
        Severity.INFO,
        Event.QUARANTINE,
        restaurantId=restaurant_id,
        openItems=backlog.open_items,
        oldestOpenSeconds=round(waiting.total_seconds()) if waiting else 0,
    )
