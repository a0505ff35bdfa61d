"""A relay spoke where OpenTable had spoken: fetch OpenTable's own row, if it comes in time."""

import asyncio

from shared.core.change import Source
from shared.core.settings import Settings
from shared.edge.connection import connect
from shared.edge.intake import statement_of_row, take_in
from shared.edge.ledger import Applied
from shared.edge.opentable.clock import Deadline
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log
from shared.errors import InvalidSettingsError, LedgerUnavailableError, OpenTableError


async def follow_hint(services: Services, settings: Settings, applied: Applied) -> None:
    """Fetch and apply the row that an envelope hints at, within a strict budget.

    The envelope is committed already, and the next poll brings the row in any case: whatever
    goes wrong here is logged and changes no answer.
    """
    if not applied.is_hint:
        return
    open_table_id = str(applied.statements.shown("openTableId"))
    try:
        async with asyncio.timeout(services.environment.hint_seconds):
            outcome = await _follow(services, settings, open_table_id)
    except (OpenTableError, InvalidSettingsError, LedgerUnavailableError, TimeoutError) as error:
        outcome = type(error).__name__
    log(Severity.INFO, Event.HINT, restaurantId=settings.restaurant_id, outcome=outcome)


async def _follow(services: Services, settings: Settings, open_table_id: str) -> str:
    deadline = Deadline.after(services.environment.hint_seconds)
    connection = await connect(services, settings, deadline)
    row = await services.opentable.reservation(connection.access, open_table_id, deadline)
    if row is None:
        return "not_found"
    taken = await take_in(services, settings, statement_of_row(row, services.clock(), Source.POLL))
    return taken.outcome if isinstance(taken, Applied) else taken.reason
