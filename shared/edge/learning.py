"""Learning of guests: a row of the feed, or one that a reservation names and nobody has yet."""

import asyncio
from typing import Any

from shared.core.change import Source
from shared.core.guest import Guest, guest_from_row
from shared.core.joined import MOST_MERGES, Joined
from shared.core.keys import external_key
from shared.core.settings import Settings
from shared.edge.connection import Connection, connect
from shared.edge.erasing import erase_guest
from shared.edge.guests import follow_merges, hold_guest, joining, read_guests, spread_guest
from shared.edge.intake import JSON, text_of
from shared.edge.keeping import keep_aside
from shared.edge.ledger import Applied
from shared.edge.opentable.clock import Deadline
from shared.edge.services import Services
from shared.edge.telemetry import Event, Severity, log
from shared.errors import (
    InvalidSettingsError,
    LedgerUnavailableError,
    OpenTableError,
    RejectedStatementError,
)

_FAILURES = (
    OpenTableError,
    InvalidSettingsError,
    LedgerUnavailableError,
    RejectedStatementError,
    TimeoutError,
)


async def learn_guest(connection: Connection, row: dict[str, Any]) -> None:
    """Keep a row of the guests that a held reservation names, and join it to all that do.

    A merged guest hands its reservations to the survivor, which is fetched where nothing is
    held of it. A forgotten one is erased everywhere.

    Args:
        connection: To the restaurant's book.
        row: The row as OpenTable sent it.

    Raises:
        RejectedStatementError: When the row cannot be read.
        OpenTableError: When a survivor could not be fetched.
        LedgerUnavailableError: When something could not be stored.
    """
    services, settings = connection.services, connection.settings
    guest = read_guest_row(connection, row)
    held = await read_guests(services, settings, [guest.key])
    await hold_guest(services, settings, guest)
    if guest.survivor_id is not None:
        await fetch_missing(connection, guest.survivor_id)
    found = await follow_merges(services, settings, guest.key)
    if isinstance(found, Joined) and found.forgotten:
        known_as = held[guest.key].known_as if guest.key in held else []
        await erase_guest(services, settings, guest.key, known_as)
    else:
        await spread_guest(services, settings, guest.key, Source.POLL)


def read_guest_row(connection: Connection, row: dict[str, Any]) -> Guest:
    """Read one of OpenTable's guests, received now.

    Raises:
        RejectedStatementError: When it cannot be read.
    """
    settings, now = connection.settings, connection.services.clock()
    return guest_from_row(row, rid=settings.usable_rid(), country=settings.country, now=now)


async def fetch_missing(connection: Connection, guest_id: str) -> None:
    """Have held whatever guest an id leads to, through merges.

    A guest that OpenTable does not have, or whose row cannot be read, is held without details,
    so that it is not asked for again and again. One who must be forgotten is erased.

    Args:
        connection: To the restaurant's book.
        guest_id: The id as OpenTable wrote it.

    Raises:
        OpenTableError: When a guest could not be fetched.
        LedgerUnavailableError: When something could not be stored.
    """
    services, settings = connection.services, connection.settings
    wanted: str | None = guest_id
    for _ in range(MOST_MERGES):
        if wanted is None:
            return
        key = external_key(wanted, settings.rid)
        held = (await read_guests(services, settings, [key])).get(key)
        if held is None:
            held = await _fetch(connection, wanted, key)
            await hold_guest(services, settings, held)
            if held.forgotten_at is not None:
                await erase_guest(services, settings, key)
        wanted = held.survivor_id


async def _fetch(connection: Connection, guest_id: str, key: str) -> Guest:
    services, settings = connection.services, connection.settings
    row = await services.opentable.guest(connection.access, guest_id, connection.deadline)
    try:
        return Guest(key) if row is None else read_guest_row(connection, row)
    except RejectedStatementError as rejection:
        await keep_aside(services, settings, text_of(row), JSON, rejection)
        return Guest(key)


async def follow_guest(services: Services, settings: Settings, applied: Applied) -> None:
    """After a webhook's commit, fetch the guest that its reservation names, within a strict budget.

    The commit stands, and the next poll brings the guest in any case: whatever goes wrong here
    is logged and changes no answer.
    """
    if applied.lacking_guest is None:
        return
    budget = services.environment.guest_seconds
    try:
        async with asyncio.timeout(budget):
            connection = await connect(services, settings, Deadline.after(budget))
            await fetch_missing(connection, applied.guest_id)
            await join_to(services, settings, applied.change.external_key, applied.lacking_guest)
        outcome = "joined"
    except _FAILURES as error:
        outcome = type(error).__name__
    log(Severity.INFO, Event.GUEST, restaurantId=settings.restaurant_id, outcome=outcome)


async def join_to(
    services: Services, settings: Settings, reservation_key: str, guest_key: str
) -> None:
    """Join the guest that a reservation names, read afresh, to that reservation.

    Raises:
        LedgerUnavailableError: When it could not be written.
    """
    change = joining(reservation_key, guest_key, services.clock(), Source.POLL)
    await services.ledger(settings).apply(change)
