"""OpenTable's rows by the page: read as changes, and the unreadable ones kept aside."""

from collections.abc import Iterable

from msgspec import Struct, field

from shared.core.change import Channel, ReservationEvent
from shared.core.settings import IntegrationSettings
from shared.edge.batches import BatchResult
from shared.edge.intake import JSON_MEDIA_TYPE, incoming_event_from_row, normalize_event
from shared.edge.keeping import quarantine_event
from shared.edge.quarantine import QuarantineEntry
from shared.edge.services import AppContext
from shared.errors import InvalidEventError, ServiceUnavailableError


class UnreadableRow(Struct, frozen=True):
    """A row that cannot be applied.

    Attributes:
        item: The row as OpenTable sent it.
        rejection: Why.
        entry: Its place in the quarantine.
    """

    item: object
    rejection: InvalidEventError
    entry: QuarantineEntry


class NormalizedRows(Struct):
    """A page's rows as changes, and those that cannot be read."""

    events: list[ReservationEvent] = field(default_factory=list)
    unreadable: list[UnreadableRow] = field(default_factory=list)


async def normalize_rows(
    context: AppContext, settings: IntegrationSettings, items: Iterable[object], channel: Channel
) -> NormalizedRows:
    """Read rows as changes; one that cannot be read goes to the quarantine and stops nobody.

    Args:
        context: The process's services.
        settings: The restaurant's, usable.
        items: Rows as OpenTable sent them, objects or not.
        channel: Which way they came.

    Raises:
        LedgerUnavailableError: When an unreadable row could not be kept.
    """
    batch = NormalizedRows()
    now = context.clock()
    for item in items:
        incoming = incoming_event_from_row(item, now, channel)
        try:
            batch.events.append(normalize_event(settings, incoming))
        except InvalidEventError as rejection:
            entry = await quarantine_event(
                context, settings, incoming.text, JSON_MEDIA_TYPE, rejection
            )
            batch.unreadable.append(UnreadableRow(item, rejection, entry))
    return batch


async def quarantine_if_rejected(
    context: AppContext, settings: IntegrationSettings, event: ReservationEvent, result: BatchResult
) -> QuarantineEntry | None:
    """Keep a row that the ledger refused; None where it took it.

    Raises:
        LedgerUnavailableError: When the ledger could not take it now, or it could not be kept.
    """
    if isinstance(result, ServiceUnavailableError):
        raise result
    if not isinstance(result, InvalidEventError):
        return None
    return await quarantine_event(context, settings, event.payload, JSON_MEDIA_TYPE, result)
