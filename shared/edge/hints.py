"""A relay spoke where OpenTable had spoken: fetch OpenTable's own row, if it comes in time."""

import asyncio

from shared.core.change import Channel
from shared.core.settings import IntegrationSettings
from shared.edge.connection import load_restaurant_context
from shared.edge.intake import incoming_event_from_row, ingest_event
from shared.edge.ledger import ApplyResult
from shared.edge.opentable.clock import Deadline
from shared.edge.services import AppContext
from shared.edge.telemetry import LogEvent, Severity, log_event
from shared.errors import InvalidSettingsError, OpenTableError, ServiceUnavailableError


async def refetch_after_relay_event(
    context: AppContext, settings: IntegrationSettings, applied: ApplyResult
) -> None:
    """Fetch and apply the row that an envelope hints at, within a strict budget.

    The envelope is committed already, and the next poll brings the row in any case: whatever
    goes wrong here is logged and changes no answer.
    """
    if not applied.needs_refetch:
        return
    open_table_id = str(applied.state.resolve_field("openTableId"))
    try:
        async with asyncio.timeout(context.environment.refetch_budget_seconds):
            outcome = await _refetch_row(context, settings, open_table_id)
    except (OpenTableError, InvalidSettingsError, ServiceUnavailableError, TimeoutError) as error:
        outcome = type(error).__name__
    log_event(
        Severity.INFO,
        LogEvent.WEBHOOK_REFETCH,
        restaurantId=settings.restaurant_id,
        outcome=outcome,
    )


async def _refetch_row(
    context: AppContext, settings: IntegrationSettings, open_table_id: str
) -> str:
    deadline = Deadline.after(context.environment.refetch_budget_seconds)
    restaurant = await load_restaurant_context(context, settings, deadline)
    row = await context.opentable.fetch_reservation(restaurant.access, open_table_id, deadline)
    if row is None:
        return "not_found"
    result = await ingest_event(
        context, settings, incoming_event_from_row(row, context.clock(), Channel.POLL)
    )
    return result.outcome if isinstance(result, ApplyResult) else result.reason
