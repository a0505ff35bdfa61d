"""OpenTable's rows by the page: read as changes, and the unreadable ones kept aside."""

from collections.abc import Iterable

from msgspec import Struct, field

from shared.core.change import Change, Source
from shared.core.settings import Settings
from shared.edge.batches import Result
from shared.edge.intake import JSON, read_statement, statement_of_row
from shared.edge.keeping import keep_aside
from shared.edge.quarantine import Kept
from shared.edge.services import Services
from shared.errors import LedgerUnavailableError, RejectedStatementError


class Unreadable(Struct, frozen=True):
    """A row that cannot be applied.

    Attributes:
        item: The row as OpenTable sent it.
        rejection: Why.
        kept: Its place in the quarantine.
    """

    item: object
    rejection: RejectedStatementError
    kept: Kept


class Batch(Struct):
    """A page's rows as changes, and those that cannot be read."""

    changes: list[Change] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


async def read_rows(
    services: Services, settings: Settings, items: Iterable[object], source: Source
) -> Batch:
    """Read rows as changes; one that cannot be read goes to the quarantine and stops nobody.

    Args:
        services: The process's services.
        settings: The restaurant's, usable.
        items: Rows as OpenTable sent them, objects or not.
        source: Which way they came.

    Raises:
        LedgerUnavailableError: When an unreadable row could not be kept.
    """
    batch = Batch()
    now = services.clock()
    for item in items:
        statement = statement_of_row(item, now, source)
        try:
            batch.changes.append(read_statement(settings, statement))
        except RejectedStatementError as rejection:
            kept = await keep_aside(services, settings, statement.text, JSON, rejection)
            batch.unreadable.append(Unreadable(item, rejection, kept))
    return batch


async def settle(
    services: Services, settings: Settings, change: Change, result: Result
) -> Kept | None:
    """Keep a row that the ledger refused; None where it took it.

    Raises:
        LedgerUnavailableError: When the ledger could not take it now, or it could not be kept.
    """
    if isinstance(result, LedgerUnavailableError):
        raise result
    if not isinstance(result, RejectedStatementError):
        return None
    return await keep_aside(services, settings, change.payload, JSON, result)
