"""A page of OpenTable's rows, applied to the ledger by whichever run fetched it."""

from msgspec import Struct

from shared.core.change import Source
from shared.edge.batches import apply_all
from shared.edge.connection import Connection
from shared.edge.guest_feed import Feed, hold_named
from shared.edge.ledger import Applied
from shared.edge.opentable.client import Page
from shared.edge.rows import read_rows, settle


class Tally(Struct):
    """What a run did with the rows that it fetched; the outcomes add up to ``fetched``."""

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    quarantined: int = 0
    pages: int = 0

    def count(self, applied: Applied) -> None:
        """Count one row by its outcome; one that was held already counts as unchanged."""
        name = "unchanged" if applied.outcome == "duplicate" else str(applied.outcome)
        setattr(self, name, getattr(self, name) + 1)


async def apply_page(connection: Connection, feed: Feed, page: Page, tally: Tally) -> list[Applied]:
    """Apply a page and return what became of the rows that the ledger took.

    Args:
        connection: To the restaurant's book.
        feed: The guests that were read before; whom a row names and nobody has is noted in it.
        page: The page.
        tally: Counts its rows.

    Raises:
        LedgerUnavailableError: When a row could not be applied, or not be kept aside.
    """
    tally.pages += 1
    services, settings = connection.services, connection.settings
    items = (*page.rows, *page.strays)
    batch = await read_rows(services, settings, items, Source.POLL)
    await hold_named(connection, feed, batch.changes)
    results = await apply_all(services.ledger(settings), batch.changes)
    tally.fetched += len(items)
    tally.quarantined += len(batch.unreadable)
    taken = []
    for change, result in zip(batch.changes, results, strict=True):
        if await settle(services, settings, change, result):
            tally.quarantined += 1
        elif isinstance(result, Applied):
            tally.count(result)
            feed.note(result)
            taken.append(result)
    return taken
