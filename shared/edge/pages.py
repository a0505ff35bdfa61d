"""A page of OpenTable's rows, applied to the ledger by whichever run fetched it."""

from msgspec import Struct

from shared.core.change import Channel
from shared.edge.batches import apply_events
from shared.edge.connection import RestaurantContext
from shared.edge.guest_feed import GuestFeed, save_referenced_guests
from shared.edge.ledger import ApplyResult
from shared.edge.opentable.client import RowPage
from shared.edge.rows import normalize_rows, quarantine_if_rejected


class RowCounts(Struct):
    """What a run did with the rows that it fetched; the outcomes add up to ``fetched``."""

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0
    pages: int = 0

    def count(self, applied: ApplyResult) -> None:
        """Count one row by its outcome; one that was held already counts as unchanged."""
        name = "unchanged" if applied.outcome == "duplicate" else str(applied.outcome)
        setattr(self, name, getattr(self, name) + 1)


async def apply_page(
    restaurant: RestaurantContext, feed: GuestFeed, page: RowPage, row_counts: RowCounts
) -> list[ApplyResult]:
    """Apply a page and return what became of the rows that the ledger took.

    Args:
        restaurant: To the restaurant's book.
        feed: The guests that were read before; whom a row names and nobody has is noted in it.
        page: The page.
        row_counts: Counts its rows.

    Raises:
        LedgerUnavailableError: When a row could not be applied, or not be kept aside.
    """
    row_counts.pages += 1
    context, settings = restaurant.context, restaurant.settings
    items = (*page.rows, *page.malformed_items)
    batch = await normalize_rows(context, settings, items, Channel.POLL)
    await save_referenced_guests(restaurant, feed, batch.events)
    results = await apply_events(context.ledger(settings), batch.events)
    row_counts.fetched += len(items)
    row_counts.quarantined += len(batch.unreadable)
    applied = []
    for event, result in zip(batch.events, results, strict=True):
        if await quarantine_if_rejected(context, settings, event, result):
            row_counts.quarantined += 1
        elif isinstance(result, ApplyResult):
            row_counts.count(result)
            feed.add_from_result(result)
            applied.append(result)
    return applied
